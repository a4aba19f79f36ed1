"""The links at the page's end."""

from __future__ import annotations

import asyncio
import re

import httpx
from starlette.applications import Starlette

from gender_demo.operator import Operator
from gender_demo.web.links import TEXTS, links, readable, text_routes


def test_a_space_links_source_card_data_and_contact() -> None:
    told = links(
        Operator("Ann", "mailto:ann@a.org"), shipped=True, environment={"SPACE_ID": "ann/faces"}
    )
    assert told.startswith("[Source](https://huggingface.co/spaces/ann/faces/tree/main) · ")
    for title in ("Model card", "FairFace", "UTKFace", "Licences"):
        assert f"[{title}](" in told
    assert told.endswith("[Contact](mailto:ann@a.org)")


def test_somebodys_own_model_has_not_the_shipped_ones_card() -> None:
    told = links(None, shipped=False, environment={})
    assert "Model card" not in told
    assert "FairFace" not in told
    assert "Contact" not in told


def test_card_and_licences_are_pages_that_can_be_read() -> None:
    async def get(name: str) -> httpx.Response:
        app = httpx.ASGITransport(Starlette(routes=text_routes()))
        async with httpx.AsyncClient(transport=app, base_url="http://page") as client:
            return await client.get(f"/modules/{name}")

    for name, (title, path) in TEXTS.items():
        answer = asyncio.run(get(name))
        assert answer.headers["content-type"].startswith("text/html")
        assert f"<title>{title}</title>" in answer.text
        text = path.read_text(encoding="utf-8")
        assert (
            answer.text.count('<table tabindex="0">')
            == len(re.findall(r"^\|[-|: ]+\|$", text, re.M))
            > 0
        )
        assert answer.text.count("<h2>") == len(re.findall("^## ", text, re.M)) > 0
        assert "library_name" not in answer.text
    assert "&lt;script&gt;" in readable("x", "<script>")
