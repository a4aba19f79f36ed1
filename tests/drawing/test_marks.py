"""What is drawn: words, colours, and captions that stay readable and inside the picture."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageChops

from gender_demo.drawing.layout import load_font
from gender_demo.drawing.marks import COLORS, CROWD, SHORT, UNSURE_COLOR, Mark, caption, marks
from gender_demo.drawing.paint import INK, draw
from gender_demo.results import (
    Analysis,
    Box,
    Face,
    Prediction,
    Wish,
)


def prediction(
    box: tuple[float, ...] = (40, 30, 100, 110),
    label: str | None = "female",
    probability: float = 0.93,
    reasons: tuple[str, ...] = (),
    track: int | None = None,
) -> Prediction:
    probabilities = (("female", probability), ("male", 1 - probability))
    face = Face(Box(*box), 0.99, ((0, 0),) * 5)
    return Prediction(face, label, probability, probabilities, reasons, track)


def analysis(*predictions: Prediction, size: tuple[int, int] = (320, 240)) -> Analysis:
    return Analysis(size, predictions)


def test_what_people_want_is_drawn_in_place_of_the_guess() -> None:
    found = analysis(prediction(), prediction((140, 30, 200, 110)), prediction((220, 30, 280, 110)))
    wishes = {1: Wish("Anna"), 2: Wish(), 3: Wish("Bo", hidden=True)}
    drawn = marks(found, wishes=wishes)
    assert [mark.plate and " ".join(mark.plate.lines) for mark in drawn] == [
        "1 · Anna (corrected)", "2", "3"
    ]  # fmt: skip
    for mark in drawn:
        assert (mark.label, mark.probability, mark.reasons, mark.dash) == (None, 0.0, (), False)
        assert "female" not in mark.caption
    (alone,) = marks(analysis(prediction()), wishes={1: Wish("日本")})
    assert alone.caption == "corrected", "no font has such letters"
    for word in ("Élève", "Łukasz Żółw", "Thị Ánh", "Μαρία", "Жанна", "Անի", "თამარ"):
        (own,) = marks(analysis(prediction()), wishes={1: Wish(word)})
        assert own.caption == f"{word} (corrected)"
        letters, font = set(word) - {" "}, load_font(40, word)
        shapes = {bytes(font.getmask(letter)) for letter in (*letters, "\uffff")}
        assert len(shapes) == len(letters) + 1, "each looks like itself, none like a frame"
    crowd = analysis(*[prediction()] * (CROWD + 1))
    plate = marks(crowd, wishes={1: Wish("Anna")})[0].plate
    assert plate is not None
    assert plate.lines == ("1",)


def changed(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int] | None:
    return ImageChops.difference(before, after).getbbox()


def luminance(color: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


DICHROMATS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                   (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                     (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
                   (0.004733, 0.691367, 0.303900)),
}  # fmt: skip
"""Machado, Oliveira and Fernandes 2009: what they see, on linear RGB."""


def lab(color: str, kind: str | None = None) -> NDArray[np.float64]:
    """CIE L*a*b* of a colour, as people of that kind see it."""
    values = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    if kind is not None:
        linear = (np.array(DICHROMATS[kind]) @ linear).clip(0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.array(to_xyz) @ linear / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_a_mark_is_json_with_everything_the_browser_needs() -> None:
    mark: Any = marks(analysis(prediction(track=7)))[0].to_json()
    assert json.loads(json.dumps(mark))["plate"]["lines"] == list(mark["plate"]["lines"])
    assert mark["box"] == [40, 30, 100, 110]
    assert (mark["label"], mark["track"], mark["dash"]) == ("female", 7, False)
    assert mark["caption"] == "perceived as female 93 %"
    assert mark["color"] == COLORS[0]


def test_unsure_says_why_and_is_dashed() -> None:
    (mark,) = marks(analysis(prediction(label=None, reasons=("cut_off", "close_call"))))
    assert (mark.label, mark.dash, mark.color) == (None, True, UNSURE_COLOR)
    assert mark.caption == "unsure: cut off"


def test_a_guess_is_never_called_certain() -> None:
    assert caption(prediction(probability=0.9999)) == "perceived as female 99 %"


def test_hidden_labels_say_nothing() -> None:
    shown = marks(
        analysis(prediction(), prediction(label=None, reasons=("small",))), show_labels=False
    )
    assert {(m.label, m.caption, m.color, m.dash) for m in shown} == {
        (None, "", UNSURE_COLOR, False)
    }
    assert all((m.reasons, m.plate) == ((), None) for m in shown)


def test_captions_can_be_read_on_every_colour() -> None:
    for color in (*COLORS, UNSURE_COLOR):
        assert (luminance(color) + 0.05) / (luminance(INK) + 0.05) >= 4.5, color


def contrast(one: float, other: float) -> float:
    """Of two luminances, as WCAG defines it."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_a_box_stands_out_on_light_and_on_dark() -> None:
    """By its colour or by the dark rim around it: 3 is what WCAG asks of shapes.

    On a middle grey the two stand out from each other.
    """
    for color in (*COLORS, UNSURE_COLOR):
        for grey in (*range(48), *range(180, 256)):
            ground = luminance(f"#{grey:02x}{grey:02x}{grey:02x}")
            assert max(contrast(luminance(ink), ground) for ink in (color, INK)) >= 3, (color, grey)


@pytest.mark.parametrize("kind", [None, *DICHROMATS])
def test_colour_blind_people_can_tell_the_two_labels_and_unsure_apart(kind: str | None) -> None:
    seen = [lab(color, kind) for color in (*COLORS[:2], UNSURE_COLOR)]
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(one - other) > 20, kind


def test_any_number_of_classes_has_colours() -> None:
    names = [f"class {i}" for i in range(9)]
    face = Face(Box(0, 0, 9, 9), 1.0, ())
    many = tuple(
        Prediction(face, name, 0.9, tuple((other, 0.1) for other in names)) for name in names
    )
    colors = [mark.color for mark in marks(Analysis((99, 99), many))]
    assert colors[:6] == list(COLORS)
    assert colors[6:] == list(COLORS[:3])


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_draws_box_and_caption_on_a_new_picture(ground: int) -> None:
    before = Image.new("RGB", (320, 240), (ground,) * 3)
    copy = before.copy()
    after = draw(before, marks(analysis(prediction())))
    assert changed(before, copy) is None
    area = changed(before, after)
    assert area is not None
    assert area[0] < 41
    assert area[2] > 99
    assert area[1] < 30, "the caption stands above the box"
    inside = (slice(40, 100), slice(50, 90))
    assert (np.asarray(after)[inside] == ground).all(), "the face itself stays free"


@pytest.mark.parametrize("size", [(24, 20), (64, 64), (320, 240), (4000, 3000), (50, 900)])
@pytest.mark.parametrize("where", ["top left", "bottom right", "all", "outside"])
def test_any_size_and_place(size: tuple[int, int], where: str) -> None:
    wide, high = size
    box = {
        "top left": (-3.0, -3.0, wide * 0.3, high * 0.3),
        "bottom right": (wide * 0.8, high * 0.8, wide + 4.0, high + 4.0),
        "all": (0.0, 0.0, float(wide), float(high)),
        "outside": (wide + 10.0, 5.0, wide + 50.0, 60.0),
    }[where]
    before = Image.new("RGB", size, "grey")
    after = draw(before, marks(analysis(prediction(box), size=size)))
    assert after.size == size
    assert after.mode == "RGB"


def test_the_caption_of_a_face_in_the_corner_is_whole() -> None:
    """Its plate has as many pixels as that of a face in the middle."""

    def plate(box: tuple[float, ...]) -> int:
        before = Image.new("RGB", (640, 480), "white")
        after = np.asarray(draw(before, marks(analysis(prediction(box), size=(640, 480)))))
        color = tuple(int(COLORS[0][i : i + 2], 16) for i in (1, 3, 5))
        return int((after == color).all(axis=2).sum())

    middle, corner = plate((300, 200, 360, 280)), plate((0, 0, 60, 80))
    assert corner > 0.85 * middle


def test_captions_in_a_crowd_do_not_cover_each_other() -> None:
    """Each of eight faces in rows adds its whole plate to the picture."""
    boxes = [(60.0 + x * 190, 150.0 + y * 230, 120.0 + x * 190, 230.0 + y * 230)
             for y in range(2) for x in range(CROWD // 2)]  # fmt: skip
    size = (1600, 900)
    color = tuple(int(COLORS[0][i : i + 2], 16) for i in (1, 3, 5))

    def painted(some: list[Mark]) -> int:
        drawn = np.asarray(draw(Image.new("RGB", size, "white"), some))
        return int((drawn == color).all(axis=2).sum())

    found = marks(analysis(*map(prediction, boxes), size=size))
    assert painted(found) == pytest.approx(sum(painted([mark]) for mark in found), rel=0.02)


def captions(faces: int) -> list[str]:
    """What is drawn at so many faces in a row, the leftmost first."""
    boxes = [(20.0 + 60 * i, 20.0, 60.0 + 60 * i, 60.0) for i in reversed(range(faces))]
    found = marks(analysis(*map(prediction, boxes), size=(1200, 100)))
    return [" ".join(mark.plate.lines) for mark in reversed(found) if mark.plate]


def test_several_faces_are_numbered_from_left_to_right() -> None:
    assert captions(1) == ["perceived as female 93 %"]
    assert captions(2) == ["1 · perceived as female 93 %", "2 · perceived as female 93 %"]


def test_captions_become_shorter_with_more_faces() -> None:
    assert captions(SHORT)[-1] == f"{SHORT} · perceived as female 93 %"
    assert captions(SHORT + 1)[-1] == f"{SHORT + 1} · female 93 %"
    assert captions(CROWD)[-1] == f"{CROWD} · female 93 %"
    assert captions(CROWD + 1) == [str(number) for number in range(1, CROWD + 2)]


def test_a_followed_face_has_the_number_of_its_track() -> None:
    found = [prediction((200, 30, 260, 110), track=3), prediction(track=5)]
    assert [mark.number for mark in marks(analysis(*found))] == [3, 5]


@pytest.mark.parametrize("width", [320, 480, 720])
@pytest.mark.parametrize("shown_px", [200, 480, 752, 1000, 1440, 2560])
def test_captions_can_be_read_at_the_size_at_which_a_picture_is_shown(
    shown_px: float, width: int
) -> None:
    """Also where the frame sent is small and stands large on the screen."""
    (mark,) = marks(analysis(prediction(), size=(width, width * 3 // 4)), shown_px=shown_px)
    assert mark.plate is not None
    assert 12 <= mark.plate.font_px * shown_px / width <= 17
    assert Box(0, 0, width, width * 3 / 4).intersection(mark.plate.box) == pytest.approx(
        mark.plate.box.area, rel=0.02
    )


def test_dashes_leave_gaps() -> None:
    ground = Image.new("RGB", (320, 240), "white")
    whole = draw(ground, marks(analysis(prediction()), show_labels=False))
    dashed = [replace(m, plate=None) for m in marks(analysis(prediction(label=None)))]
    broken = draw(ground, dashed)

    def ink(drawn: Image.Image) -> int:
        return int((np.asarray(drawn) != 255).any(axis=2).sum())

    assert 0.5 * ink(whole) < ink(broken) < 0.95 * ink(whole)
