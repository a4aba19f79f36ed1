"""The least sharpness, found where it is known."""

from __future__ import annotations

import numpy as np

from train.export.sharpness import BLURS, SACRIFICED, BlurSeries, fit_sharpness


def made_up(limit: float, clean_from: float = 30.0) -> BlurSeries:
    """Crops whose answers are wrong one time in ten, and one in two below ``limit``."""
    random = np.random.default_rng(0)
    shape = (len(BLURS), 4000)
    sharp = random.uniform(0, 60, shape)
    sharp[0] = random.uniform(clean_from, 60, shape[1])
    right = random.random(shape) > np.where(sharp < limit, 0.5, 0.1)
    return BlurSeries(sharp, right, random.random(shape) < 0.9)


def test_answers_stop_where_they_are_wrong_too_often() -> None:
    assert 19 < fit_sharpness(made_up(20)) < 21


def test_few_crops_as_they_are_lose_their_label() -> None:
    seen = made_up(20, clean_from=5)
    found = fit_sharpness(seen)
    assert abs((seen.sharpness[0] < found).mean() - SACRIFICED) < 0.002


def test_nothing_is_withheld_where_blur_does_no_harm() -> None:
    assert fit_sharpness(made_up(0)) == 0


def test_figures_name_each_blur() -> None:
    facts = made_up(20).figures()
    assert len(facts) == len(BLURS)
    assert abs(facts["sigma 0 of the side"]["wrong of answered"] - 0.1) < 0.01
