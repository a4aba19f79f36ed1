"""The links at the page's end: source, model card, data, licences, contact; and what they open."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from string import Template
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from gender_demo.vision.preflight import SHIPPED
from gender_demo.web.static_files import SERVED_BELOW, read_static

if TYPE_CHECKING:
    from gender_demo.operator import Operator

TEXTS = {
    "model-card": ("Model card", SHIPPED / "README.md"),
    "licences": ("Licences", SHIPPED.parents[1] / "ATTRIBUTION.md"),
}
"""Markdown that is served as pages of their own, where it is there: their titles and files."""
METADATA = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
DATA = {
    "FairFace": "https://github.com/joojs/fairface",
    "UTKFace": "https://susanqq.github.io/UTKFace/",
}
"""What the shipped model was trained and measured on."""


def text_routes() -> list[Route]:
    """A route for each of TEXTS."""
    return [_route(name) for name, (_, path) in TEXTS.items() if path.is_file()]


def links(
    operator: Operator | None, *, shipped: bool, environment: Mapping[str, str] = os.environ
) -> str:
    """One line of Markdown; model card and data are those of the ``shipped`` model only. The source
    has an address on Spaces: elsewhere a page runs from whatever copy somebody has."""
    parts = []
    if space := environment.get("SPACE_ID"):
        parts.append(f"[Source](https://huggingface.co/spaces/{space}/tree/main)")
    if shipped:
        data = ", ".join(f"[{name}]({address})" for name, address in DATA.items())
        parts += [_text("model-card"), f"Data: {data}"]
    if TEXTS["licences"][1].is_file():
        parts.append(_text("licences"))
    if operator:
        parts.append(f"[Contact]({operator.contact})")
    return " · ".join(parts)


def to_report(markdown: str) -> str:
    """Markdown in which "in the report" leads there."""
    return markdown.replace("in the report", "in the [report](#report)")


def readable(title: str, markdown: str) -> str:
    """A page of its own, for every screen; without the metadata that model cards begin with."""
    text = MarkdownIt("commonmark", {"html": False}).enable("table")
    parts = text.parse(METADATA.sub("", markdown))
    for part in parts:
        if part.type == "table_open":
            part.attrSet("tabindex", "0")  # it scrolls where it is too wide
    body = text.renderer.render(parts, text.options, {})
    return Template(read_static("readable.html")).substitute(title=title, body=body)


def _text(name: str) -> str:
    return f"[{TEXTS[name][0]}]({SERVED_BELOW.lstrip('/')}{name})"


def _route(name: str) -> Route:
    title, path = TEXTS[name]

    def answer(_: Request) -> HTMLResponse:
        return HTMLResponse(readable(title, path.read_text(encoding="utf-8")))

    return Route(f"{SERVED_BELOW}{name}", answer)
