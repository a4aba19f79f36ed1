"""The canvas strokes what Pillow strokes: the same marks give the same picture."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from playwright.sync_api import Page

from gender_demo.drawing.marks import marks
from gender_demo.drawing.paint import draw
from gender_demo.results import Analysis
from gender_demo.vision.pictures import open_picture
from gender_demo.web.static_files import module_address
from tests.support.paths import EXAMPLES

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline

OpenPage = Callable[..., Page]

STROKE = """async ([address, marks, [width, height]]) => {
    const { strokeMarks } = await import(new URL(address, document.baseURI).href);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    const words = [], write = context.fillText.bind(context);
    context.fillText = (text, x, y, most) => { words.push([text, x, y]); write(text, x, y, most); };
    strokeMarks(context, marks);
    return [words, canvas.toDataURL("image/png").split(",")[1]];
}"""


def inked(picture: Image.Image, reach: int = 0) -> NDArray[np.bool_]:
    """Where a picture is not white, and ``reach`` pixels around."""
    grey = picture.convert("L")
    darkest = grey.filter(ImageFilter.MinFilter(2 * reach + 1)) if reach else grey
    return np.asarray(darkest) < 245


@pytest.fixture(scope="module")
def solvay(random_pipeline: Pipeline) -> Analysis:
    return random_pipeline.analyze(open_picture(EXAMPLES / "solvay_1927.jpg"))


@pytest.mark.parametrize("most", [1, 3, 7, 29])
def test_canvas_and_pillow_draw_the_same(open_page: OpenPage, solvay: Analysis, most: int) -> None:
    """On the Solvay picture, with few of its faces (long captions), some, and all (numbers)."""
    found = marks(replace(solvay, predictions=solvay.predictions[:most]))
    assert len(found) == most
    words, png = open_page().evaluate(
        STROKE, [module_address("drawing.js"), [mark.to_json() for mark in found], solvay.size]
    )
    plates = [mark.plate for mark in found if mark.plate]
    assert [text for text, _, _ in words] == [line for plate in plates for line in plate.lines]
    places = iter([(x, y) for _, x, y in words])
    assert all(plate.box.contains(next(places)) for plate in plates for _ in plate.lines)
    canvas = Image.open(io.BytesIO(base64.b64decode(png)))
    pillow = draw(Image.new("RGB", solvay.size, "white"), found)
    for one, other in ((canvas, pillow), (pillow, canvas)):
        beside = inked(one) & ~inked(other, reach=4)
        assert beside.sum() < 0.002 * inked(one).sum(), "drawn by one, not by the other"
