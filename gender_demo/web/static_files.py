"""What lies in ``static/``: HTML, CSS, JavaScript and Markdown, never in Python strings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypedDict

import gradio as gr
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
SERVED_BELOW = "/modules/"
"""Where browsers find ``static/js`` and ``static/examples``, under a digest of what is in them."""


def read_static(name: str) -> str:
    """The text of one file."""
    return (STATIC / name).read_text(encoding="utf-8")


UNCHANGING = {"cache-control": "public, max-age=31536000, immutable"}


class UnchangingFiles(StaticFiles):
    """Files that browsers may keep: a changed file has another address."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, to be kept for good."""
        response = await super().get_response(path, scope)
        response.headers.update(UNCHANGING)
        return response


@cache
def digest() -> str:
    """Of gradio's version, all scripts and example pictures, in 16 hexadecimal digits."""
    files = sorted([*STATIC.glob("js/*.js"), *STATIC.glob("examples/*")])
    return hashlib.sha256(
        gr.__version__.encode() + b"".join(path.read_bytes() for path in files)
    ).hexdigest()[:16]


def static_routes() -> list[Mount]:
    """Routes for the scripts, which are ES modules, and what they load."""
    return [
        Mount(f"{SERVED_BELOW}{digest()}/{name}", UnchangingFiles(directory=STATIC / name))
        for name in ("js", "examples")
    ]


def module_address(name: str) -> str:
    """Where one script is served, from the page's own address on."""
    return f"{SERVED_BELOW.lstrip('/')}{digest()}/js/{name}"


def module_loader(name: str) -> str:
    """A script for gr.HTML that hands the element over to ``mount`` of one module."""
    return read_static("load_module.js").replace("MODULE", module_address(name))


class TablesValue(TypedDict, total=False):
    """What ``static/tables.html`` shows, from top to bottom; charts and tables as JSON."""

    about: Sequence[str]
    picture: Mapping[str, object] | None
    sure: Mapping[str, object]
    tables: Sequence[Mapping[str, object]]
    charts: Sequence[Mapping[str, object]]
    experts: Mapping[str, object]


def tables_view(value: TablesValue | None, elem_id: str, script: str = "tables.js") -> gr.HTML:
    """Charts and sortable tables."""
    return gr.HTML(
        {"about": [], "charts": [], "tables": [], **(value or {})},
        html_template=read_static("tables.html"),
        js_on_load=module_loader(script),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="tables",
    )
