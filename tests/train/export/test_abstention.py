"""Fair abstention, on made-up faces whose true error rates are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gender_demo.vision.classifier import MAX_DOUBT
from train.export.abstention import (
    WRONG,
    Abstention,
    Heads,
    fit_abstention,
)

CLASSES: dict[str, tuple[str, ...]] = {
    "gender": ("female", "male"),
    "age": ("young", "middle", "old"),
    "race": ("X", "Y"),
}


def made_up(count: int, seed: int, noise: tuple[float, float, float] = (0.8, 0.45, 0.5)) -> Heads:
    """Faces whose logit is the truth plus ``noise`` by age: the network is as sure of the young as
    of the others, and wrong more often. It knows most ages and no race."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    age = torch.randint(0, 10, (count,), generator=generator).clamp(max=2)
    gender, race = (torch.randint(0, 2, (count,), generator=generator) for _ in range(2))
    margin = 2.0 * gender - 1 + normal(count) * torch.tensor(noise)[age]
    logits = {
        "gender": torch.stack([-margin, margin], 1),
        "age": 3 * torch.nn.functional.one_hot(age, 3) + normal(count, 3),
        "race": normal(count, 2),
    }
    return Heads(logits, {"gender": gender, "age": age, "race": race}, CLASSES)


def shown(found: Abstention, held_out: Heads, new: Heads) -> Tensor:
    """Which ``new`` faces get a label with the border of the held-out ones."""
    border = (held_out.clearness() - found.rise(held_out)).quantile(1 - found.answered)
    return new.clearness() - found.rise(new) >= border


def wrong_by_age(heads: Heads, labelled: Tensor) -> list[float]:
    age = heads.targets["age"]
    return [float(heads.wrong()[labelled & (age == band)].mean()) for band in range(3)]


def test_new_faces_of_every_age_are_wrong_in_at_most_the_share() -> None:
    held_out, new = made_up(2500, 0), made_up(60_000, 1)
    found = fit_abstention(held_out)
    assert not found.excess
    labelled = shown(found, held_out, new)
    assert float(labelled.float().mean()) == pytest.approx(found.answered, abs=0.02)
    assert max(wrong_by_age(new, labelled)) <= WRONG
    # The same share of labels, given to the surest, leaves many more of the young wrong.
    sure = new.clearness()
    surest = wrong_by_age(new, sure >= sure.quantile(1 - found.answered))
    assert surest[0] > WRONG + 0.005
    assert found.answered < 0.95, "there was something to give up"


def test_what_was_not_seen_in_the_fit_is_what_is_told() -> None:
    """Rates that the check tells are those of new faces, within what chance allows."""
    held_out, new = made_up(2500, 2), made_up(60_000, 3)
    found = fit_abstention(held_out)
    rates = wrong_by_age(new, shown(found, held_out, new))
    for group, rate in zip(found.groups[1:4], rates, strict=True):
        error = (rate * (1 - rate) / group.shown) ** 0.5
        assert group.rate == pytest.approx(rate, abs=3 * error + 0.002), group.name


def test_a_network_that_cannot_is_told_so_and_gives_the_least_share() -> None:
    found = fit_abstention(made_up(1500, 0, noise=(4.0, 2.0, 2.0)), (0.87, 0.85))
    assert found.answered == 0.85
    assert found.checked[0].bound > WRONG
    assert found.facts()["at most 5% wrong in every group, with its margin"] is False


def test_without_ages_nothing_is_fitted_and_the_surest_get_labels() -> None:
    heads = made_up(1200, 0)
    alone = Heads(
        {"gender": heads.logits["gender"]},
        {"gender": heads.targets["gender"]},
        {"gender": CLASSES["gender"]},
    )
    found = fit_abstention(alone)
    assert not found.excess
    assert found.answered == 0.95
    assert not found.rise(alone).any()


def test_the_rise_is_bounded_and_grows_with_what_is_hard() -> None:
    heads = made_up(2500, 0)
    rise, age = fit_abstention(heads, (0.88, 0.88)).rise(heads), heads.targets["age"]
    assert float(rise.abs().max()) <= MAX_DOUBT
    means = [float(rise[age == band].mean()) for band in range(3)]
    assert means[0] > max(means[1:]) + 0.1
