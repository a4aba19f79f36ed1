from __future__ import annotations

import numpy as np
import pytest

from gender_demo.results import (
    Box,
    Face,
)
from gender_demo.tracking.smoothing import SmoothBox


def face(x: float, y: float = 200, size: float = 100) -> Face:
    half = size / 2
    return Face(Box(x - half, y - half, x + half, y + half), 0.99, ((x, y),) * 5)


def middle(box: Box) -> float:
    return box.centre[0]


def test_a_still_face_stands_still() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 200)
    box = SmoothBox(face(300), 0)
    shown = [middle(box.update(face(300 + n), (i + 1) / 25).box) for i, n in enumerate(noise)]
    assert np.abs(np.diff(shown)).mean() < 0.5 * np.abs(np.diff(noise)).mean()
    assert np.mean(shown) == pytest.approx(300, abs=0.5)


def test_a_moving_face_is_not_lagged_behind_and_foreseen() -> None:
    box, speed = SmoothBox(face(100), 0), 150.0
    for i in range(1, 51):
        shown = box.update(face(100 + speed * i / 25), i / 25)
    assert middle(shown.box) == pytest.approx(100 + speed * 2, abs=4)
    assert middle(box.predict(2 + 0.1)) == pytest.approx(100 + speed * 2.1, abs=5)


def test_it_never_runs_far_ahead() -> None:
    box = SmoothBox(face(100), 0)
    for i in range(1, 26):
        box.update(face(100 + 10 * i), i / 25)
    assert middle(box.predict(60)) < 350 + 0.35 * 250
    assert middle(box.predict(0)) == pytest.approx(middle(box.predict(1)))


def test_landmarks_move_with_the_box() -> None:
    box = SmoothBox(face(300), 0)
    shown = box.update(face(306), 0.04)
    assert shown.landmarks[0][0] == pytest.approx(middle(shown.box))
