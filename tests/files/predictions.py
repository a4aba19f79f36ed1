"""Two predictions that the tests of this room share."""

from __future__ import annotations

from gender_demo.results import Box, Face, Prediction

FACE = Face(Box(1.04, 2, 30, 40), 0.99, ((0, 0),) * 5)
SURE = Prediction(FACE, "female", 0.91236, (("female", 0.91236), ("male", 0.08764)))
UNSURE = Prediction(
    FACE, None, 0.6, (("female", 0.6), ("male", 0.4)), ("close_call", "small")
)  # fmt: skip
