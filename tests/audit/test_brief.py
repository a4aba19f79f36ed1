"""The three lines before the camera, and the slider's stops, against the audit they word."""

from __future__ import annotations

from gender_demo.audit.brief import NOT_MEASURED, brief
from gender_demo.audit.figures import GroupFigures
from gender_demo.audit.schema import WorkingPoint
from gender_demo.audit.working_points import stops, stops_note
from tests.support.audits import made_up_audit, row, with_primary

GENDERS = ("female", "male")


def test_the_second_line_is_the_error_rate_of_shown_labels_and_childrens() -> None:
    audit = made_up_audit()
    ages = (row(380, 434, age="3-9"), row(2979, 3000, age="20-29"))
    everybody = GroupFigures(
        pictures=4537, missed=0, count=4537, right=4177, answered=3605, answered_wrong=146
    )
    by = audit.primary.by.model_copy(update={"age": ages, "race_label": ()})
    lines = brief(with_primary(audit, all=everybody, by=by), GENDERS)
    assert lines[1] == ("About 1 in 25 labels shown is wrong; for children under 10, about 1 in 8.")
    by = by.model_copy(update={"age": ages[1:]})
    assert "children" not in brief(with_primary(audit, all=everybody, by=by), GENDERS)[1]


def test_without_an_audit_and_without_labels_no_rate_is_said() -> None:
    assert brief(None, GENDERS)[1] == NOT_MEASURED
    audit = made_up_audit()
    nobody = GroupFigures(pictures=9, missed=9, count=9, right=6, answered=0, answered_wrong=0)
    by = audit.primary.by.model_copy(update={"age": (), "race": (), "race_label": (), "label": ()})
    told = brief(with_primary(audit, all=nobody, by=by), GENDERS)[1]
    assert told == "None of the faces that it was measured on got a label."


def test_the_first_line_names_the_labels() -> None:
    assert "female, male or “unsure”" in brief(None, GENDERS)[0]
    assert "hat, no hat or “unsure”" in brief(None, ("hat", "no_hat"))[0]
    assert "sex" not in brief(None, ("hat", "no_hat"))[0]


def point(threshold: float, count: int, hits: int) -> WorkingPoint:
    return WorkingPoint(threshold=threshold, coverage=count / 4000, count=count, hits=hits)


def test_the_stops_begin_at_the_served_threshold_one_for_each_percent() -> None:
    points = (point(0.6, 3900, 300), point(0.75, 3600, 144), point(0.901, 3200, 64),
              point(0.905, 3000, 50), point(0.99, 20, 0))  # fmt: skip
    found = stops(with_primary(made_up_audit(), working_points=points), 0.75)
    assert [(stop.percent, stop.threshold) for stop in found] == [("75 %", 0.75), ("90 %", 0.901)]
    assert found[1].words == (
        "From 90 % on: 80 of 100 faces get a label, and about 1 in 50 of these labels is wrong."
    )
    assert (found[1].answered, found[1].wrong) == (0.8, 64 / 4000)


def test_few_errors_are_counted() -> None:
    points = (point(0.8, 1361, 2), point(0.9, 900, 1), point(0.95, 500, 0))
    found = stops(with_primary(made_up_audit(), working_points=points), 0.75)
    assert [stop.words.partition(", and ")[2] for stop in found] == [
        "2 of the 1,361 labels measured are wrong.",
        "1 of the 900 labels measured is wrong.",
        "none of the 500 labels measured are wrong.",
    ]


def test_the_note_says_where_a_curve_knows_the_probability_only() -> None:
    audit = made_up_audit()
    curve = with_primary(audit, working_points=())
    full = with_primary(audit, working_points=(point(0.75, 3600, 144),))
    assert "come on top" in stops_note(curve)
    assert "come on top" not in stops_note(full)
