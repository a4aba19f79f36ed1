"""SmoothBox: a face's box over time, still when the face is still, quick when it moves.

The 1 euro filter (Casiez, Roussel and Vogel, CHI 2012), a low pass whose cut-off grows with the
speed, around where the face would be at its present speed: so it does not lag behind a steady
movement. Lengths are in units of the face's own size, so that near and far faces are treated alike.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gender_demo.results import Box, Face
from gender_demo.tracking.config import DEFAULT, TrackingConfig


class SmoothBox:
    """Centre and size of one face through time, in pixels and seconds."""

    def __init__(self, face: Face, at_s: float, config: TrackingConfig = DEFAULT) -> None:
        self._value = _to_state(face.box)
        self._speed: NDArray[np.float64] = np.zeros(4)
        self._at_s = at_s
        self._config = config

    def predict(self, at_s: float) -> Box:
        """Where the box is at a later time if the face goes on as it does."""
        ahead = min(0.3, max(0.0, at_s - self._at_s))
        moved = self._value.copy()
        moved[:2] += self._speed[:2] * ahead
        return _to_box(moved)

    def update(self, face: Face, at_s: float) -> Face:
        """Take in a measured face; returns it with its box (and landmarks) smoothed."""
        config, passed = self._config, min(0.5, max(1e-3, at_s - self._at_s))
        measured = _to_state(face.box)
        unit = np.array([math.exp(measured[2:].mean())] * 2 + [1.0, 1.0])
        speed = (measured - self._value) / passed
        self._speed += _weight(config.speed_hz, passed) * (speed - self._speed)
        # One cut-off for both axes: a box must not wobble in shape as it moves.
        pace = np.abs(self._speed / unit)
        cutoff = np.repeat(
            [
                config.still_hz + config.hz_per_speed * math.hypot(pace[0], pace[1]),
                config.still_hz + config.size_hz_per_speed * pace[2:].max(),
            ],
            2,
        )
        predicted = self._value.copy()
        predicted[:2] += self._speed[:2] * passed
        self._value = predicted + _weight(cutoff, passed) * (measured - predicted)
        self._at_s = at_s
        dx, dy = (self._value[:2] - measured[:2]).tolist()
        return replace(face.shifted(dx, dy), box=_to_box(self._value))


def _weight(cutoff_hz: float | NDArray[np.float64], passed_s: float) -> NDArray[np.float64]:
    turns = 2 * math.pi * np.asarray(cutoff_hz) * passed_s
    return turns / (turns + 1)


def _to_state(box: Box) -> NDArray[np.float64]:
    """Centre x and y in pixels, logarithms of width and height: (4,)."""
    sides = math.log(max(1.0, box.width)), math.log(max(1.0, box.height))
    return np.array([*box.centre, *sides])


def _to_box(state: NDArray[np.float64]) -> Box:
    half = np.exp(state[2:]) / 2
    return Box(*(state[:2] - half).tolist(), *(state[:2] + half).tolist())
