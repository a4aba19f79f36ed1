"""The links at the page's end: source, model card, data, licences, contact."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from gender_demo.vision.preflight import SHIPPED
from gender_demo.web.static_files import SERVED_BELOW

if TYPE_CHECKING:
    from gender_demo.operator import Operator

TEXTS = {
    "model-card.txt": SHIPPED / "README.md",
    "licences.txt": SHIPPED.parents[1] / "ATTRIBUTION.md",
}
"""What is served as plain text, where it is there."""
DATA = {
    "FairFace": "https://github.com/joojs/fairface",
    "UTKFace": "https://susanqq.github.io/UTKFace/",
}
"""What the shipped model was trained and measured on."""


def text_routes() -> list[Route]:
    """A route for each of TEXTS."""
    return [_route(name) for name in TEXTS if TEXTS[name].is_file()]


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
        parts += [_text("Model card", "model-card.txt"), f"Data: {data}"]
    if TEXTS["licences.txt"].is_file():
        parts.append(_text("Licences", "licences.txt"))
    if operator:
        parts.append(f"[Contact]({operator.contact})")
    return " · ".join(parts)


def _text(title: str, name: str) -> str:
    return f"[{title}]({SERVED_BELOW.lstrip('/')}{name})"


def _route(name: str) -> Route:
    def answer(_: Request) -> FileResponse:
        return FileResponse(TEXTS[name], media_type="text/plain")

    return Route(f"{SERVED_BELOW}{name}", answer)
