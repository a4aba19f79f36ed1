"""Sentences against the audit that they word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gender_demo.audit.figures import GroupFigures, Rate
from gender_demo.audit.fractions import one_in, whole_percent, wrong
from gender_demo.audit.report import report
from gender_demo.audit.schema import Audit, DrawingFigures, WorkingPoint
from gender_demo.audit.wording import Findings
from gender_demo.vision.checkpoint import Config
from tests.support.audits import CONFIG, made_up_audit, row, with_primary


@pytest.fixture(scope="module")
def measured() -> Audit:
    """An audit of the form that ``train evaluate`` writes."""
    return made_up_audit()


def findings(audit: Audit) -> Findings:
    found = report(audit, CONFIG).findings
    assert found
    return found


@pytest.mark.parametrize(
    ("hits", "count", "told"),
    [
        (146, 3605, "about 1 in 25"),
        (360, 4537, "about 1 in 13"),
        (54, 434, "about 1 in 8"),
        (26, 86, "about 1 in 3"),
        (1, 2, "about 5 in 10"),
        (99, 100, "about 9 in 10"),
        (7, 7, "all 7"),
        (0, 1234, "none of 1,234"),
    ],
)
def test_rates_are_plain_fractions(hits: int, count: int, told: str) -> None:
    assert one_in(Rate(hits=hits, count=count)) == told


def test_a_fraction_has_its_verb() -> None:
    assert wrong(Rate(hits=1, count=25)) == "about 1 in 25 labels shown is wrong"
    assert wrong(Rate(hits=2, count=5), "labels") == "about 4 in 10 labels are wrong"
    assert wrong(Rate(hits=0, count=100)) == "none of 100 labels shown are wrong"


@pytest.mark.parametrize("threshold", [0.5, 0.57, 0.58, 0.75, 0.9])
def test_what_is_below_the_limit_is_never_shown_as_the_limit(threshold: float) -> None:
    limit = whole_percent(threshold)
    for thousandth in range(1, 60):
        assert whole_percent(threshold - thousandth / 1000) != limit
    assert whole_percent(0.7468) == "74 %"


def test_shown_labels_come_first_then_forced_ones_children_and_the_worst_group(
    measured: Audit,
) -> None:
    everybody = GroupFigures(
        pictures=4537, missed=0, count=4537, right=4177, answered=3605, answered_wrong=146
    )
    cells = (
        row(244, 264, race="Black", label="male"),
        row(125, 126, race="White", label="female"),
    )
    ages = (row(380, 434, age="3-9"), row(2979, 3000, age="20-29"))
    by = measured.primary.by.model_copy(update={"race_label": cells, "age": ages})
    shown = report(with_primary(measured, all=everybody, by=by), CONFIG)
    assert shown.headline == (
        "About 1 in 25 labels shown is wrong; if every face had to get one, about 1 in 13."
    )
    assert shown.sentences.error_rates == (
        f"{shown.headline} For children under 10 about 1 in 8 labels shown is wrong. The worst of "
        "the groups by race and label is “Black, labelled male”: about 1 in 13 labels shown is "
        "wrong. Measured on 22 November 2026 on 4,537 FairFace val pictures."
    )


def test_a_worst_group_that_may_be_chance_is_said_to_be(measured: Audit) -> None:
    cells = (row(92, 100, race="Black", label="male"), row(94, 100, race="White", label="male"))
    by = measured.primary.by.model_copy(update={"race_label": cells, "age": (), "race": ()})
    told = findings(with_primary(measured, all=row(558, 600), by=by)).worst_group
    assert told.endswith("about 1 in 12 labels shown is wrong, which among 2 groups may be chance.")


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        (
            row(100, 100),
            "None of 100 labels shown are wrong; if every face had to get one, none of 100.",
        ),
        (
            GroupFigures(pictures=9, missed=9, count=9, right=6, answered=0, answered_wrong=0),
            "No labels were shown; if every face had to get one, about 1 in 3 of them is wrong.",
        ),
    ],
)
def test_the_headline_of_no_errors_and_of_no_labels(
    measured: Audit, figures: GroupFigures, told: str
) -> None:
    nobody = measured.primary.by.model_copy(update={"age": (), "race": (), "race_label": ()})
    shown = report(with_primary(measured, all=figures, by=nobody), CONFIG)
    assert shown.headline == told
    assert shown.sentences.error_rates.startswith(told)


def weak_spots(audit: Audit) -> str:
    return report(audit, CONFIG).sentences.weak_spots


def test_groups_that_fare_clearly_worse_are_weak_spots(measured: Audit) -> None:
    ages = (
        row(238, 476, age="3-9"),
        row(238, 476, age="10-19"),
        row(1, 29, age="20-29"),  # too few
        row(2700, 3000, age="30-39"),
    )
    races = (row(238, 476, race="Latino_Hispanic"), row(2939, 3505, race="White"))
    by = measured.primary.by.model_copy(update={"age": ages, "race": races, "race_label": ()})
    spots = weak_spots(with_primary(measured, all=row(3177, 3981), by=by))
    assert spots.startswith(
        "It is clearly wrong more often about children under 10 (about 5 in 10 labels shown), "
        "faces aged 10-19 (about 5 in 10 labels shown), Latino/Hispanic faces (about 5 in 10 "
        "labels shown): each time by more than chance"
    )
    assert "20-29" not in spots
    # 2 rates of children, 10-19, 30-39 and two races, and one corruption.
    assert "chance explains among 11 comparisons." in spots


def test_what_may_be_chance_among_many_groups_is_no_weak_spot(measured: Audit) -> None:
    """p = 0.02 for one comparison, which is nothing among eleven."""
    ages = (row(85, 100, age="10-19"), *(row(93, 100, age=f"{n}0-{n}9") for n in range(2, 6)))
    by = measured.primary.by.model_copy(update={"age": ages, "race": (), "race_label": ()})
    audit = with_primary(measured, all=row(457, 500), by=by)
    assert not weak_spots(audit).startswith("It is clearly")
    assert weak_spots(audit).startswith("No group is clearly worse than the others.")


def test_weak_spots_tell_of_faces_that_are_not_found(measured: Audit) -> None:
    (dark,) = measured.corruptions
    often = round(0.3 * dark.pictures)
    for missed, told in ((0, False), (often, True)):
        rows = (dark.model_copy(update={"missed": missed}),)
        spots = weak_spots(measured.model_copy(update={"corruptions": rows}))
        assert ("It finds no face in about 1 in 3 dark pictures." in spots) == told


def test_a_condition_that_costs_clearly_more_is_a_weak_spot(measured: Audit) -> None:
    (dark,) = measured.corruptions
    for right, told in ((dark.count // 2, True), (dark.right, False)):
        rows = (dark.model_copy(update={"right": right}),)
        spots = weak_spots(measured.model_copy(update={"corruptions": rows}))
        assert ("dark pictures (about 5 in 10 if every face had to get one, but" in spots) == told


def test_covered_faces_and_drawings_are_told_where_they_were_measured(measured: Audit) -> None:
    assert findings(measured).covered == findings(measured).drawings == ""
    assert "Covered or turned faces were not measured." in weak_spots(measured)
    (dark,) = measured.corruptions
    counts = {"answered": 300, "answered_wrong": 30}
    covered = (
        dark.model_copy(update={"name": "sunglasses", **counts}),
        dark.model_copy(update={"name": "a mask", "answered": 0, "answered_wrong": 0}),
    )
    drawings = (
        DrawingFigures(name="smileys", hits=3, count=20, found=11),
        DrawingFigures(name="patterns", hits=0, count=30, found=2),
        DrawingFigures(name="cartoons made of photos", hits=7, count=10, found=9),
    )
    audit = measured.model_copy(update={"covered": covered, "drawings": drawings})
    assert findings(audit).covered.endswith(
        "are wrong: with sunglasses about 1 in 10, with a mask no label at all."
    )
    assert findings(audit).drawings == (
        "3 of 50 pictures that show nobody got a label; with people in them, "
        "7 of 10 cartoons made of photos did."
    )
    assert "Turned faces were not measured." in weak_spots(audit)
    titles = [table.title for table in report(audit, CONFIG).tables]
    assert {"Covered faces", "Pictures that show no person"} <= set(titles)


def test_what_a_probability_is_worth_is_said(measured: Audit) -> None:
    """The made-up model is right four times in five, however sure it says it is."""
    calibration = measured.primary.calibration
    assert calibration
    inside = [each for each in calibration.bins if 0.75 < each.end < 1]
    right, count = sum(each.hits for each in inside), sum(each.count for each in inside)
    told = findings(measured).calibration
    assert told.startswith("Where it gave 73 % to 93 %")
    assert f"right for {int(100 * right / count)} % of {count} faces" in told
    for confidence, verdict in ((0.99, "less often than it said"), (0.1, "more often than it")):
        bins = tuple(
            each.model_copy(update={"confidence": confidence}) for each in calibration.bins
        )
        other = calibration.model_copy(update={"bins": bins})
        assert verdict in findings(with_primary(measured, calibration=other)).calibration


def test_the_trade_off_is_said_at_the_served_threshold_and_above(measured: Audit) -> None:
    points = (
        WorkingPoint(threshold=0.75, coverage=0.5, hits=30, count=300),
        WorkingPoint(threshold=0.8, coverage=0.4, hits=20, count=240),
        WorkingPoint(threshold=0.9, coverage=0.3, hits=9, count=180),
    )
    assert findings(with_primary(measured, working_points=points)).trade_off == (
        "The surer it must be, the fewer faces get a label and the fewer labels are wrong: from "
        "75 % on 50 % of the faces get a label and about 1 in 10 of them is wrong; from 90 % on "
        "30 % of the faces get a label and about 1 in 20 of them is wrong."
    )


def test_how_often_it_is_unsure_is_a_fraction(measured: Audit) -> None:
    everybody = GroupFigures(
        pictures=600, missed=0, count=600, right=480, answered=480, answered_wrong=9
    )
    nobody = measured.primary.by.model_copy(update={"age": (), "race": (), "race_label": ()})
    (whole,) = measured.full_pictures.shown
    whole = whole.model_copy(update={"answered": 540, "answered_wrong": 9})
    full = measured.full_pictures.model_copy(update={"shown": (whole,)})
    audit = with_primary(measured.model_copy(update={"full_pictures": full}), all=everybody)
    told = report(with_primary(audit, by=nobody), CONFIG).sentences.unsure
    assert "less than 75 %" in told
    assert told.endswith(
        "about 1 in 5 pictures that are cut close around the face, about 1 in 10 where its "
        "surroundings are seen."
    )


def test_blurred_is_named_only_where_there_is_a_limit() -> None:
    limited = replace(CONFIG, rules=replace(CONFIG.rules, min_sharpness=10.0))
    assert "too blurred" in report(None, limited).sentences.unsure
    assert "blurred" not in report(None, CONFIG).sentences.unsure


def test_words_say_perceived_and_never_is(measured: Audit) -> None:
    for shown in (report(None, CONFIG), report(measured, CONFIG)):
        told = " ".join(shown.sentences)
        assert "perceived" in told
        assert " is female" not in told
        assert " is male" not in told


def test_people_are_not_called_none_of_some_things() -> None:
    told = report(None, replace(CONFIG, classes=("hat", "no_hat"))).sentences.labels
    assert (
        told
        == "It knows two labels only, hat and no hat, and has no word for a face that is neither."
    )


def test_another_models_labels_are_named() -> None:
    other = Config(name="mine", classes=("glasses", "no_glasses", "sunglasses"))
    assert "3 labels only, glasses, no glasses, sunglasses" in report(None, other).sentences.labels
