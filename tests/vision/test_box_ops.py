"""Whatever the boxes: tensors and ``Box`` agree, tiles cover the picture, turns lead back."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gender_demo.results import Box, Face
from gender_demo.vision.box_ops import areas, jittered_boxes, nms_by_minimum, same_place, to_square
from gender_demo.vision.find import OVERLAP_PX, TILE_PX, TURNS, _tile_starts, _turned_back

QUICK = settings(max_examples=60)
PLACE = st.integers(-300, 2000)
BOX = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h), PLACE, PLACE, *[st.integers(1, 900)] * 2
)
SIZE = st.tuples(st.integers(1, 4000), st.integers(1, 4000))


@QUICK
@given(st.lists(st.tuples(BOX, st.integers(0, 2)), min_size=1, max_size=12), st.data())
def test_of_boxes_that_clash_the_best_is_kept(
    boxes: list[tuple[Box, int]], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(boxes))))
    scores = torch.tensor([1.0 - n / 100 for n in order])
    flat = torch.tensor([list(box) for box, _ in boxes], dtype=torch.float32)
    images = torch.tensor([image for _, image in boxes])
    kept = nms_by_minimum(flat, scores, images, 0.7).tolist()

    def clash(a: int, b: int) -> bool:
        return boxes[a][1] == boxes[b][1] and boxes[a][0].iom(boxes[b][0]) > 0.7 + 1e-5

    assert [float(scores[i]) for i in kept] == sorted(scores[kept].tolist(), reverse=True)
    assert not any(clash(a, b) for a in kept for b in kept if a != b)
    for lost in set(range(len(boxes))) - set(kept):
        rivals = [boxes[i][0].iom(boxes[lost][0]) for i in kept
                  if boxes[i][1] == boxes[lost][1] and scores[i] > scores[lost]]  # fmt: skip
        assert max(rivals, default=0.0) > 0.7 - 1e-5


@QUICK
@given(BOX, st.integers(1, 8))
def test_squares_hold_their_box_and_jitter_around_it(box: Box, count: int) -> None:
    flat = torch.tensor([list(box)], dtype=torch.float64)
    square = Box(*to_square(flat)[0].tolist())
    assert square.centre == pytest.approx(box.centre)
    assert square.width == pytest.approx(square.height)
    assert square.intersection(box) == pytest.approx(box.area)
    around = [Box(*row) for row in jittered_boxes(flat, count).tolist()]
    assert len(around) == count
    assert all(square.iou(other) > 0.7 for other in around)
    assert areas(flat).item() == pytest.approx(box.area)
    assert same_place(flat, flat).item()


@QUICK
@given(st.integers(1, 60_000))
def test_tiles_cover_a_side_and_overlap(side: int) -> None:
    starts = _tile_starts(side)
    tile = side - starts[-1]
    assert starts[0] == 0
    assert 0 < tile <= max(TILE_PX, side if len(starts) == 1 else 0)
    steps = [later - start for start, later in itertools.pairwise(starts)]
    assert all(0 < step <= tile - OVERLAP_PX + 1 for step in steps)


@QUICK
@given(BOX, SIZE)
def test_a_face_of_a_turned_picture_is_found_where_it_is(box: Box, size: tuple[int, int]) -> None:
    width, height = size
    into = {
        TURNS[0]: lambda x, y: (y, width - x),  # ROTATE_90: to the left
        TURNS[1]: lambda x, y: (height - y, x),
        TURNS[2]: lambda x, y: (width - x, height - y),
    }
    for turn, forward in into.items():
        (ax, ay), (bx, by) = forward(box.x0, box.y0), forward(box.x1, box.y1)
        turned = Box(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
        face = Face(turned, 0.99, (forward(*box.centre),) * 5)
        back = _turned_back(face, turn, size)
        assert back.box == box
        assert math.dist(back.landmarks[0], box.centre) < 1e-6
