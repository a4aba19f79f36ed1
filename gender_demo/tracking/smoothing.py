"""SmoothBox: a face's box over time, still when the face is still, quick when it moves.

The 1 euro filter (Casiez, Roussel and Vogel, CHI 2012), a low pass whose cut-off grows with the
speed, around where the face would be at its present speed: so it does not lag behind a steady
movement. Lengths are in units of the face's own size, so that near and far faces are treated alike.
"""

from __future__ import annotations

import math
from dataclasses import replace

from gender_demo.results import Box, Face
from gender_demo.tracking.config import DEFAULT, TrackingConfig

State = tuple[float, float, float, float]
"""Centre x and y in pixels, logarithms of width and height. Plain floats: for four values numpy
takes ten times as long, which a crowd would notice."""


class SmoothBox:
    """Centre and size of one face through time, in pixels and seconds."""

    def __init__(self, face: Face, at_s: float, config: TrackingConfig = DEFAULT) -> None:
        self._value = _to_state(face.box)
        self._speed: State = (0.0, 0.0, 0.0, 0.0)
        self._at_s = at_s
        self._config = config

    def predict(self, at_s: float) -> Box:
        """Where the box is at a later time if the face goes on as it does."""
        return _to_box(self._moved(min(0.3, max(0.0, at_s - self._at_s))))

    def update(self, face: Face, at_s: float) -> Face:
        """Take in a measured face; returns it with its box (and landmarks) smoothed."""
        config, passed = self._config, min(0.5, max(1e-3, at_s - self._at_s))
        measured = _to_state(face.box)
        weight = _weight(config.speed_hz, passed)
        steps = (new - old for new, old in zip(measured, self._value, strict=True))
        dx, dy, dw, dh = (step / passed for step in steps)
        self._speed = _mixed(self._speed, (dx, dy, dw, dh), (weight,) * 4)
        # One cut-off for both axes: a box must not wobble in shape as it moves.
        size_px = math.exp((measured[2] + measured[3]) / 2)
        pace = math.hypot(self._speed[0], self._speed[1]) / size_px
        growth = max(abs(self._speed[2]), abs(self._speed[3]))
        move = _weight(config.still_hz + config.hz_per_speed * pace, passed)
        grow = _weight(config.still_hz + config.size_hz_per_speed * growth, passed)
        self._value = _mixed(self._moved(passed), measured, (move, move, grow, grow))
        self._at_s = at_s
        dx, dy = self._value[0] - measured[0], self._value[1] - measured[1]
        return replace(face.shifted(dx, dy), box=_to_box(self._value))

    def _moved(self, by_s: float) -> State:
        x, y, width, height = self._value
        return x + self._speed[0] * by_s, y + self._speed[1] * by_s, width, height


def _weight(cutoff_hz: float, passed_s: float) -> float:
    turns = 2 * math.pi * cutoff_hz * passed_s
    return turns / (turns + 1)


def _mixed(old: State, new: State, weights: State) -> State:
    """The old values, moved by a share of each towards the new ones."""
    a, b, c, d = (o + w * (n - o) for o, n, w in zip(old, new, weights, strict=True))
    return a, b, c, d


def _to_state(box: Box) -> State:
    return *box.centre, math.log(max(1.0, box.width)), math.log(max(1.0, box.height))


def _to_box(state: State) -> Box:
    x, y = state[:2]
    wide, high = math.exp(state[2]) / 2, math.exp(state[3]) / 2
    return Box(x - wide, y - high, x + wide, y + high)
