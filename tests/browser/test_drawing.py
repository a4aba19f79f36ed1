"""The canvas strokes what Pillow strokes: the same marks give the same picture."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor
from playwright.sync_api import Page

from gender_demo.drawing.marks import Mark, marks
from gender_demo.drawing.paint import draw
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


def painted(picture: Image.Image, found: list[Mark]) -> NDArray[np.bool_]:
    """Where a picture has the colour of any mark, give or take a shade."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    colors = [ImageColor.getrgb(color) for color in {mark.color for mark in found}]
    near = [(np.abs(pixels - color).sum(axis=2) < 30) for color in colors]
    return np.logical_or.reduce(near)


@pytest.mark.parametrize("most", [1, 3, 7, 29])
def test_canvas_and_pillow_draw_the_same(
    open_page: OpenPage, random_pipeline: Pipeline, most: int
) -> None:
    """On the Solvay picture, with few of its faces (long captions), some, and all (numbers)."""
    from dataclasses import replace

    whole = random_pipeline.analyze(open_picture(EXAMPLES / "solvay_1927.jpg"))
    found = marks(replace(whole, predictions=whole.predictions[:most]))
    assert len(found) == most
    words, png = open_page().evaluate(
        STROKE, [module_address("drawing.js"), [mark.to_json() for mark in found], whole.size]
    )
    plates = [mark.plate for mark in found if mark.plate]
    assert [text for text, _, _ in words] == [line for plate in plates for line in plate.lines]
    at = iter(words)
    for plate in plates:
        for _ in plate.lines:
            _, x, y = next(at)
            assert plate.box.contains((x, y))
    canvas = painted(Image.open(io.BytesIO(base64.b64decode(png))), found)
    pillow = painted(draw(Image.new("RGB", whole.size, "white"), found), found)
    share = (canvas & pillow).sum() / (canvas | pillow).sum()
    assert share > 0.75, share
