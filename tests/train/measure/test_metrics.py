"""Figures of groups, calibration and abstention, against fairlearn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, count
from sklearn.metrics import accuracy_score

from train.data.records import (
    AGES,
    RACES,
    Record,
)
from train.measure.metrics import (
    calibration,
    ece,
    figures_by,
    reliability,
    risk_coverage,
)
from train.measure.observe import (
    Observation,
)


def made_up(count_: int = 1200, seed: int = 3) -> list[Observation]:
    """Random answers with known groups."""
    random = np.random.default_rng(seed)
    result = []
    for i in range(count_):
        label, guess = (("female", "male")[n] for n in random.integers(0, 2, 2))
        race, age = str(random.choice(RACES)), str(random.choice(AGES))
        sure = float(random.uniform(0.5, 1))
        values = (sure, 1 - sure) if guess == "female" else (1 - sure, sure)
        answer = guess if sure > 0.6 else None
        found = float(random.uniform(20, 220)) if random.random() < 0.97 else None
        result.append(
            Observation(
                Record(str(i), b"", {"label": label}, groups={"race": race, "age": age}),
                values,
                guess,
                answer,
                (),
                found,
            )
        )
    return result


@pytest.mark.parametrize("kinds", [("label",), ("race",), ("age",), ("race", "label")])
def test_group_figures_are_fairlearns(kinds: tuple[str, ...]) -> None:
    seen = made_up()
    frame = MetricFrame(
        metrics={"accuracy": accuracy_score, "count": count},
        y_true=[o.record.label for o in seen],
        y_pred=[o.guess for o in seen],
        sensitive_features={kind: [getattr(o.record, kind) for o in seen] for kind in kinds},
    )
    rows = figures_by(seen, *kinds)
    assert len(rows) == len(frame.by_group)
    for row in rows:
        key = tuple(row.group[kind] for kind in kinds)
        theirs = frame.by_group.loc[key if len(key) > 1 else key[0]]
        assert row.count == theirs["count"]
        assert row.accuracy == pytest.approx(theirs["accuracy"], abs=1e-5)
    overall = figures_by(seen, "label")
    assert sum(row.right for row in overall) == round(frame.overall["accuracy"] * len(seen))


def test_abstention_is_counted_per_group() -> None:
    seen = made_up()
    for row in figures_by(seen, "race"):
        group = [o for o in seen if o.record.race == row.group["race"]]
        answered = [o for o in group if o.label]
        assert row.answered == len(answered)
        assert row.coverage == pytest.approx(len(answered) / len(group), abs=1e-5)
        wrong = sum(o.label != o.record.label for o in answered)
        assert row.error == pytest.approx(wrong / len(answered), abs=1e-5)


def test_calibration_error_by_hand() -> None:
    # Two bins: (0.6, 0.667] holds 0.62 and 0.64, one right; (0.933, 1] holds 0.95 and 1, both.
    confidence, right = np.array([0.62, 0.64, 0.95, 1.0]), np.array([True, False, True, True])
    assert ece(confidence, right) == pytest.approx((abs(0.63 - 0.5) + abs(0.975 - 1)) / 2)
    bins = reliability(confidence, right)
    assert [(b.count, b.share) for b in bins] == [(2, 0.5), (2, 1.0)]
    assert bins[1].end == 1.0


def test_calibration_before_temperature_is_got_back_from_the_probabilities() -> None:
    logits = np.array([[2.0, -1.0], [0.3, 0.1], [-1.5, 0.5]])
    temperature = 2.5

    def softmax(values: np.ndarray) -> np.ndarray:
        powers = np.exp(values)
        return np.asarray(powers / powers.sum(1, keepdims=True))

    sample = Record("a", b"", {"label": "female"})
    seen = [
        Observation(sample, tuple(p), "female" if p[0] > 0.5 else "male", None, (), 50.0)
        for p in softmax(logits / temperature).tolist()
    ]
    figures = calibration(seen, temperature)
    right = np.array([True, True, False])
    assert figures is not None
    assert figures.ece_before == pytest.approx(ece(softmax(logits).max(1), right), abs=1e-5)


def test_risk_falls_on_the_surest_and_counts_are_exact() -> None:
    sample = Record("a", b"", {"label": "female"})
    seen = [
        Observation(sample, (s, 1 - s), "female" if s > 0.75 else "male", None, (), 50.0)
        for s in np.linspace(0.5, 1, 200).tolist()
    ]
    curve = {point.coverage: point for point in risk_coverage(seen)}
    assert curve[0.5].hits == 0
    assert curve[1.0].hits == sum(not o.right for o in seen)
    assert curve[0.9].count == 180
