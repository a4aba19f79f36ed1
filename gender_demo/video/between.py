"""between(): the analysis of a frame that lies between two analysed ones.

Faces move slowly against 12 looks a second, so boxes are interpolated and the nearer look's label
is shown; this halves the cost of a video.
"""

from __future__ import annotations

from dataclasses import replace

from gender_demo.results import Analysis, Box, Prediction


def between(before: Analysis, after: Analysis, share: float, *, keep_all: bool = False) -> Analysis:
    """The analysis at ``share`` (0 to 1) of the way from one look to the next.

    A face that only one of them has belongs to its half; with ``keep_all`` to the whole way.
    """
    old = {p.track: p for p in before.predictions}
    new = {p.track: p for p in after.predictions}
    found = [_moved(old[t], p, share) if t in old else p for t, p in new.items()]
    return Analysis(
        after.size,
        tuple(
            [p for p in found if keep_all or share > 0.5 or p.track in old]
            + [p for t, p in old.items() if t not in new and (keep_all or share <= 0.5)]
        ),
    )


def _moved(before: Prediction, after: Prediction, share: float) -> Prediction:
    corners = zip(before.face.box, after.face.box, strict=True)
    box = Box(*(a + (b - a) * share for a, b in corners))
    nearer = after if share > 0.5 else before
    return replace(nearer, face=replace(nearer.face, box=box))
