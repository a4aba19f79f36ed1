"""Which side and which rate at which step."""

from __future__ import annotations

import pytest

from train.fit.schedule import AGAIN, Schedule, parse_plan


def schedule(plan: str, decay: float = 0.5) -> Schedule:
    return Schedule(parse_plan(plan), 100, 20, decay)


def test_one_cycle_warms_up_stays_and_falls() -> None:
    plan = schedule("3@64,1@96")
    assert plan.total == 400
    assert [plan.size_px(step) for step in (0, 299, 300, 399)] == [64, 64, 96, 96]
    assert [plan.factor(step) for step in (0, 9, 19, 100, 200)] == [0.05, 0.5, 1, 1, 1]
    assert plan.factor(300) == pytest.approx(0.5)
    assert plan.factor(399) == pytest.approx(1 / 200)


def test_a_second_cycle_goes_on_from_the_first_one() -> None:
    plan = schedule("3@64,1@96+2@80")
    assert plan.total == 600
    assert plan.size_px(400) == 80
    first = schedule("3@64,1@96")
    assert [plan.factor(n) for n in range(400)] == [first.factor(n) for n in range(400)]
    assert plan.factor(400) == pytest.approx(AGAIN / 20)
    assert plan.factor(419) == pytest.approx(AGAIN * 181 / 200)
    assert plan.factor(500) == pytest.approx(AGAIN / 2)
    assert 0 < plan.factor(599) < 0.01


def test_epochs_may_be_broken() -> None:
    plan = schedule("0.5@64,0.25@96")
    assert (plan.total, plan.size_px(49), plan.size_px(50)) == (75, 64, 96)
