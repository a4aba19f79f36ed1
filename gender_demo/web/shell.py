"""The page's HTML around gradio: language, share preview, a word while it loads; compressed."""

from __future__ import annotations

import re

import gradio as gr
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gender_demo.web.preloads import preload_links, sheet_link, sheets
from gender_demo.web.static_files import SERVED_BELOW, read_static

PAGE = "/"
COMPRESSED = (
    "/assets/",
    "/static/",
    "/config",
    "/theme.css",
    "/gradio_api/theme.css",
    SERVED_BELOW,
)
"""Text that is worth compressing; pictures and the live view's short answers are not."""
STYLE = re.compile(rb'<link rel="stylesheet"[^>]* href="\./assets/([\w.-]+)">')
PREVIEW = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')


def rewrite(html: bytes, blocks: gr.Blocks) -> bytes:
    """gradio's page with our own head and body parts in place of its share preview."""
    html = PREVIEW.sub(b"", html)
    html = html.replace(b"<head>", b"<head>" + read_static("shell_head.html").encode(), 1)
    loaded = sheets(blocks)
    html = html.replace(b"</body>", preload_links(blocks, loaded).encode() + b"</body>", 1)
    html = STYLE.sub(lambda sheet: b"" if sheet[1].decode() in loaded else sheet[0], html)
    start = read_static("shell_body.html") + (sheet_link() if loaded else "")
    return re.sub(rb"<body[^>]*>", lambda body: body[0] + start.encode(), html, count=1)


class Shell:
    """ASGI middleware that rewrites the page and compresses what is text."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.compressed = GZipMiddleware(app, minimum_size=1000, compresslevel=6)
        self.page = GZipMiddleware(self._answer_page, minimum_size=1000, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        path = scope.get("path", "")
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif path == PAGE and scope["method"] == "GET":
            await self.page(scope, receive, send)
        elif path.startswith(COMPRESSED):
            await self.compressed(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _answer_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            headers = dict(begun["headers"])
            whole = bytes(body)
            if headers.get(b"content-type", b"").startswith(b"text/html"):
                whole = rewrite(whole, scope["app"].get_blocks())
                headers[b"content-length"] = b"%d" % len(whole)
            await send({**begun, "headers": list(headers.items())})
            await send({"type": "http.response.body", "body": whole})

        plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        await self.app({**scope, "headers": plain}, receive, collect)
