"""Figures -> pictures: SVG strings that take the page's colours and fit a phone.

The looks are in ``chart.css``, which every chart carries inside, so that it can
stand anywhere. Shares are given as 0 to 1 and shown in percent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

WIDTH = 340
RIGHT = 328
STYLE = Path(__file__).with_name("chart.css")
INKS = 4
Node = ElementTree.Element


@dataclass(frozen=True)
class Measured:
    """A share with its 95 % interval; ``series`` chooses colour and shape, ``hint`` is the
    tooltip."""

    value: float
    low: float
    high: float
    series: int = 0
    hint: str = ""


def intervals(
    alt: str, rows: Sequence[tuple[str, Sequence[Measured]]], series: Sequence[str] = ()
) -> str:
    """A line for each group: its shares as dots on bars that span their intervals, from 0 on."""
    top, step, left = (44 if series else 22), 26, 112
    height = top + step * len(rows) + 6
    end = min(1.0, math.ceil(max(m.high for _, row in rows for m in row) * 20) / 20)
    svg = _svg(alt, height)
    at = _scale(0.0, end, left, RIGHT - 6)
    x = 6.0
    for i, name in enumerate(series):
        _mark(svg, x + 5, 10, i)
        _text(svg, x + 15, 14, name, "start")
        x += 32 + 6.5 * len(name)
    for tick in _ticks(0.0, end):
        _line(svg, at(tick), top - 6, at(tick), height - 6, "grid")
        _text(svg, at(tick), top - 10, _percent(tick), "middle quiet")
    for i, (name, row) in enumerate(rows):
        y = top + step * i + step / 2
        _text(svg, left - 10, y + 4, name, "end")
        for j, m in enumerate(row):
            y_mark = y + (j - (len(row) - 1) / 2) * 10
            group = _add(svg, "g", {"class": f"ink-{m.series % INKS}"})
            _add(group, "title").text = m.hint
            _line(group, at(m.low), y_mark, at(m.high), y_mark, "interval")
            _mark(group, at(m.value), y_mark, m.series)
    return _to_string(svg)


def icons(alt: str, rows: Sequence[tuple[str, int, int]]) -> str:
    """For each (words, marked, of) so many faces, the marked ones crossed out."""
    title, line, across = 26, 16, 20
    lines = [math.ceil(of / across) for _, _, of in rows]
    svg = _svg(alt, title * len(rows) + line * sum(lines) + 8)
    for i, (words, marked, of) in enumerate(rows):
        top = title * i + line * sum(lines[:i])
        _text(svg, 6, top + 18, words, "start")
        for j in range(of):
            x, y = 12 + (RIGHT - 18) / across * (j % across), top + title + 8 + line * (j // across)
            if j < marked:
                cross = _add(svg, "g", {"class": "ink-0"})
                _line(cross, x - 5, y - 5, x + 5, y + 5, "cross")
                _line(cross, x - 5, y + 5, x + 5, y - 5, "cross")
            else:
                _add(svg, "circle", {"class": "face", "cx": f"{x:.1f}", "cy": str(y), "r": "4.5"})
    return _to_string(svg)


def reliability(alt: str, bins: Sequence[tuple[float, Measured]]) -> str:
    """Accuracy over the probability that the model gave; the dashed line is as it should be."""
    start = math.floor(min([0.5, *(x for x, _ in bins), *(m.low for _, m in bins)]) * 10) / 10
    svg, at_x, at_y = _plane(alt, (start, 1.0), (start, 1.0), "probability given", "right")
    _line(svg, at_x(start), at_y(start), at_x(1), at_y(1), "ideal")
    for x, m in bins:
        group = _add(svg, "g", {"class": f"ink-{m.series % INKS}"})
        _add(group, "title").text = m.hint
        _line(group, at_x(x), at_y(m.low), at_x(x), at_y(m.high), "interval")
        _mark(group, at_x(x), at_y(m.value), m.series)
    return _to_string(svg)


def curve(alt: str, points: Sequence[tuple[float, Measured]], x_name: str, y_name: str) -> str:
    """A share over another one, with the band of its intervals; drawn in the first point's ink."""
    most = math.ceil(max(m.high for _, m in points) * 50) / 50
    svg, at_x, at_y = _plane(alt, (0.0, 1.0), (0.0, most), x_name, y_name)
    group = _add(svg, "g", {"class": f"ink-{points[0][1].series % INKS}"})
    over = [f"{at_x(x):.1f},{at_y(m.high):.1f}" for x, m in points]
    under = [f"{at_x(x):.1f},{at_y(m.low):.1f}" for x, m in reversed(points)]
    line = [f"{at_x(x):.1f},{at_y(m.value):.1f}" for x, m in points]
    _add(group, "polygon", {"class": "band", "points": " ".join(over + under)})
    _add(group, "polyline", {"class": "curve", "points": " ".join(line)})
    return _to_string(svg)


class _scale:  # noqa: N801 - used as a function
    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.start = low, start
        self.factor = (end - start) / (high - low)

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) * self.factor


def _plane(
    alt: str, x: tuple[float, float], y: tuple[float, float], x_name: str, y_name: str
) -> tuple[Node, _scale, _scale]:
    left, top, bottom, height = 48, 26, 224, 266
    svg = _svg(alt, height)
    at_x, at_y = _scale(*x, left, RIGHT - 6), _scale(*y, bottom, top)
    for tick in _ticks(*y):
        _line(svg, left, at_y(tick), RIGHT - 6, at_y(tick), "grid")
        _text(svg, left - 8, at_y(tick) + 4, _percent(tick), "end quiet")
    for tick in _ticks(*x):
        _line(svg, at_x(tick), top, at_x(tick), bottom, "grid")
        _text(svg, at_x(tick), bottom + 18, _percent(tick), "middle quiet")
    _text(svg, left, 14, y_name, "start")
    _text(svg, RIGHT - 6, height - 6, x_name, "end")
    return svg, at_x, at_y


def _ticks(low: float, high: float) -> list[float]:
    """Three to seven round values from ``low`` to ``high``."""
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
    step = next((s for s in steps if (high - low) / s <= 6), 0.25)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _mark(parent: Node, x: float, y: float, series: int) -> None:
    """A dot, square, diamond or triangle: shapes, because colours alone are not enough."""
    group = _add(parent, "g", {"class": f"ink-{series % INKS}"})
    corners = {1: 45.0, 2: 0.0, 3: -90.0}.get(series % INKS)
    if corners is None:
        _add(group, "circle", {"class": "mark", "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "4"})
        return
    count = 3 if series % INKS == 3 else 4
    turns = [math.radians(corners + 360 * i / count) for i in range(count)]
    points = " ".join(f"{x + 5 * math.cos(t):.1f},{y + 5 * math.sin(t):.1f}" for t in turns)
    _add(group, "polygon", {"class": "mark", "points": points})


def _svg(alt: str, height: float) -> Node:
    svg = Node(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "audit-chart",
            "viewBox": f"0 0 {WIDTH} {height:.0f}",
            "role": "img",
            "aria-label": alt,
        },
    )
    _add(svg, "style").text = _style()
    return svg


@lru_cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


def _add(parent: Node, tag: str, attributes: dict[str, str] | None = None) -> Node:
    return ElementTree.SubElement(parent, tag, attributes or {})


def _line(parent: Node, x1: float, y1: float, x2: float, y2: float, css_class: str) -> None:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    _add(parent, "line", {"class": css_class, **{k: f"{v:.1f}" for k, v in ends.items()}})


def _text(parent: Node, x: float, y: float, text: str, css_class: str) -> None:
    _add(parent, "text", {"class": css_class, "x": f"{x:.1f}", "y": f"{y:.1f}"}).text = text


def _to_string(svg: Node) -> str:
    return ElementTree.tostring(svg, encoding="unicode")
