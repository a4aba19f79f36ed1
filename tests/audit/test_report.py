"""Intervals against known values; sentences, tables and charts against the audit they word."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import pytest
from scipy.stats import binomtest

from gender_demo.audit import svg
from gender_demo.audit.figures import GroupFigures, wilson
from gender_demo.audit.reading import fits, read_audit, settings
from gender_demo.audit.report import report
from gender_demo.audit.schema import (
    Audit,
    CheckpointId,
    CorruptionFigures,
    FullPictureFigures,
    FullPictures,
    Machine,
    Source,
    Speed,
)
from gender_demo.audit.tables import group_name, percent
from gender_demo.audit.wording import NO_AUDIT, OTHER_AUDIT
from gender_demo.errors import CheckpointError
from gender_demo.vision.checkpoint import Config
from tests.support.paths import ROOT
from train.data.records import AGES, RACES, LabelledSet, Record
from train.measure.figures import group_figures, groups, invariance, set_figures
from train.measure.observe import Observation

CONFIG = Config(name="tried", classes=("female", "male"), temperature=1.2, weights_sha256="a" * 64)


def observations(count: int = 600, accuracy: float = 0.8) -> list[Observation]:
    """Made-up answers of a model that does not exist, for faces that do not exist."""
    draw = random.Random(5)
    result = []
    for i in range(count):
        label = draw.choice(CONFIG.classes)
        groups_ = {"race": draw.choice(RACES), "age": draw.choice(AGES)}
        record = Record(f"{i}", b"", {"label": label}, groups=groups_)
        other = CONFIG.classes[label == CONFIG.classes[0]]
        guess = label if draw.random() < accuracy else other
        sure = draw.uniform(0.5, 1)
        values = (sure, 1 - sure) if guess == "female" else (1 - sure, sure)
        reasons = ("close_call",) if sure < 0.7 else ()
        answer = None if reasons else guess
        result.append(Observation(record, values, guess, answer, reasons, draw.uniform(30, 200)))
    return result


@pytest.fixture(scope="module")
def measured() -> Audit:
    """An audit of the form that ``train evaluate`` writes."""
    seen = observations()
    samples = tuple(o.record for o in seen)
    fairface, utkface = (
        set_figures(LabelledSet(title, "val", ("a.parquet",), samples), seen, CONFIG.temperature)
        for title in ("FairFace", "UTKFace")
    )
    everything = group_figures(seen)
    return Audit(
        date=date(2026, 11, 22),
        checkpoint=CheckpointId(name=CONFIG.name, weights_sha256=CONFIG.weights_sha256),
        settings=settings(CONFIG),
        parameters=11_177_538,
        machine=Machine(device="cpu", processor="any", threads=2, torch="2"),
        primary=fairface,
        others=(utkface,),
        full_pictures=FullPictures(
            **dict(Source.model_validate(fairface, from_attributes=True)),
            chips=everything,
            shown=(
                FullPictureFigures(
                    **dict(everything), name="as a photo", chips_accuracy=0.9, by=groups(seen)
                ),
            ),
        ),
        corruptions=(
            CorruptionFigures(
                **dict(everything),
                name="dark",
                clean_accuracy=(everything.accuracy or 0) + 0.0225,
                label_gap_points=1.0,
                worst=everything,
            ),
        ),
        invariance=(invariance(seen, seen, "shifted"),),
        speed=Speed(picture_px=(640, 480), ms_per_picture=50.0, ms_per_face=15.0),
    )


def with_primary(audit: Audit, **changes: object) -> Audit:
    return audit.model_copy(update={"primary": audit.primary.model_copy(update=changes)})


def row(right: int, count: int, **group: str) -> GroupFigures:
    """A group that always gets a label."""
    return GroupFigures(
        group=group,
        pictures=count,
        missed=0,
        count=count,
        right=right,
        answered=count,
        answered_wrong=count - right,
    )


def test_the_shipped_audit_of_version_1_says_what_it_said() -> None:
    raw = json.loads((ROOT / "checkpoints/resnet18-fairface/audit.json").read_text())
    if raw["version"] != 1:
        pytest.skip("the shipped audit was measured again since")
    audit = read_audit(raw)
    assert audit
    assert [data.name for data in audit.sets] == ["FairFace val", "UTKFace eval"]
    for ours, theirs in zip(audit.sets, raw["sets"].values(), strict=True):
        for kind, rows in theirs["by"].items():
            for mine, old in zip(getattr(ours.by, kind), rows, strict=True):
                assert (mine.correct.share, mine.correct.low, mine.correct.high) == pytest.approx(
                    (old["accuracy"], old["low"], old["high"]), abs=1e-5
                )
                assert mine.error == old["error"]
        for name in ("worst", "best", "age_under_10", "age_10_and_over"):
            assert getattr(ours, name).right == theirs[name]["right"], name
        assert ours.gap_points == pytest.approx(theirs["gap_points"], abs=1e-3)
        assert ours.label_gap_points == pytest.approx(theirs["label_gap_points"], abs=1e-3)
        assert ours.calibration
        assert [each.share for each in ours.calibration.bins] == [
            each["accuracy"] for each in theirs["calibration"]["bins"]
        ]
    for mine, old in zip(audit.corruptions, raw["degraded"], strict=True):
        assert mine.lost_points == pytest.approx(old["lost_points"], abs=1e-3)
    for shown, old in zip(audit.full_pictures.shown, raw["context"]["shown"], strict=True):
        assert shown.behind_points == pytest.approx(old["behind_points"], abs=1e-3)
        assert shown.found_share == old["found_share"]
    for pair, old in zip(audit.invariance, raw["flips"], strict=True):
        assert (pair.share, pair.low, pair.high) == (old["share"], old["low"], old["high"])
    assert read_audit(audit.model_dump(mode="json")) == audit


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"version": 3},
            "audit.json is of version 3 and this program reads 1 and 2: meas",
        ),
        ({"version": None}, "audit.json is of version None and"),
        ({"version": 1}, "audit.json cannot be read by this version: measure again"),
        ({"parameters": "many"}, r"audit.json cannot be read by this version \(parameters\): meas"),
        ({"primary": None}, r"\(primary\): measure again with python -m train evaluate"),
    ],
)
def test_an_audit_of_another_form_is_one_sentence(
    measured: Audit, changes: dict[str, object], said: str
) -> None:
    raw = measured.model_dump(mode="json")
    assert read_audit(raw) == measured
    with pytest.raises(CheckpointError, match=said) as error:
        read_audit(raw | changes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, Statistics in Medicine 17, table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_gives_the_published_intervals(
    hits: int, count: int, low: float, high: float
) -> None:
    assert wilson(hits, count) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_wilson_is_scipys(level: float) -> None:
    for hits, count in ((0, 7), (3, 7), (146, 3605), (4177, 4537), (12, 12)):
        theirs = binomtest(hits, count).proportion_ci(level, method="wilson")
        assert wilson(hits, count, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_without_an_audit_no_number_is_shown() -> None:
    shown = report(None, CONFIG)
    assert len(shown.sentences) == 8
    assert NO_AUDIT in shown.sentences
    assert not shown.tables
    assert not shown.charts
    told = " ".join(shown.sentences).replace("less than 75 %", "")
    assert not any(character.isdigit() for character in told)


@pytest.mark.parametrize(
    "other",
    [
        Config(name="tried", classes=("female", "male"), temperature=1.2, weights_sha256="c" * 64),
        Config(name="tried", classes=("female", "male"), temperature=1.3, weights_sha256="a" * 64),
    ],
    ids=["weights", "temperature"],
)
def test_an_audit_of_another_checkpoint_is_not_shown(measured: Audit, other: Config) -> None:
    assert fits(measured, CONFIG)
    assert not fits(measured, other)
    shown = report(measured, other)
    assert OTHER_AUDIT in shown.sentences
    assert not shown.tables


def test_panel_gives_accuracy_with_count_interval_date_worst_and_best(measured: Audit) -> None:
    data = measured.primary
    told = report(measured, CONFIG).sentences.error_rates
    assert data.worst
    assert data.best
    for figures in (data.all, data.worst, data.best):
        correct = figures.correct
        assert f"{100 * (correct.share or 0):.1f} %" in told
        assert f"{100 * correct.low:.1f}–{100 * correct.high:.1f} %" in told
        assert f"of {correct.count}" in told
    assert "22 November 2026" in told


def weak_spots(audit: Audit) -> str:
    return report(audit, CONFIG).sentences.weak_spots


def test_weak_spots_tell_of_faces_that_are_not_found(measured: Audit) -> None:
    (worse,) = measured.corruptions
    accuracy = worse.accuracy or 0
    often = round(0.3 * worse.pictures)
    for missed, told in ((0, False), (often, True)):
        rows = (worse.model_copy(update={"missed": missed}),)
        spots = weak_spots(measured.model_copy(update={"corruptions": rows}))
        right = f"{100 * accuracy:.1f} % of {worse.count:,} right"
        assert f"dark pictures ({right} instead of {100 * (accuracy + 0.0225):.1f} %" in spots
        assert (f"no face found in {often} of them)" in spots) == told
    as_good = worse.model_copy(update={"missed": 0, "clean_accuracy": accuracy + 0.009})
    assert "dark" not in weak_spots(measured.model_copy(update={"corruptions": (as_good,)}))


def test_groups_that_fare_clearly_worse_are_weak_spots(measured: Audit) -> None:
    ages = (
        row(238, 476, age="3-9"),  # told of with the children
        row(238, 476, age="10-19"),
        row(1, 2, age="20-29"),
    )
    races = (row(238, 476, race="Latino_Hispanic"),)
    by = measured.primary.by.model_copy(update={"age": ages, "race": races})
    spots = weak_spots(with_primary(measured, by=by))
    assert "faces aged 10-19 (50.0 % of 476 right)" in spots
    assert "Latino/Hispanic faces (50.0 % of 476 right)" in spots
    assert "3-9" not in spots
    assert "20-29" not in spots


@pytest.mark.parametrize(
    ("right", "told"),
    [(92, "About 1 in 12 guesses is wrong."), (100, "None of 100 guesses was wrong.")],
)
def test_the_headline_is_a_plain_fraction(measured: Audit, right: int, told: str) -> None:
    shown = report(with_primary(measured, all=row(right, 100)), CONFIG)
    assert shown.headline == told
    assert shown.sentences.error_rates.startswith(told)


def test_unsure_is_told_by_group(measured: Audit) -> None:
    cells = measured.primary.by.race_label
    shares = [100 * (cell.coverage or 0) for cell in cells]
    shown = report(measured, CONFIG)
    assert f"({min(shares):.1f} to {max(shares):.1f} % by race and label)" in shown.sentences.unsure
    tables = {table.title: table for table in shown.tables}
    note = tables["FairFace val, by race and label"].note
    least = min(cells, key=lambda cell: cell.coverage or 0)
    told = f"Most often unsure about {group_name(least.group)}: {min(shares):.1f} % answ"
    assert told in note
    assert f"{100 * (least.error or 0):.1f} % of that wrong;" in note


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


def test_tables_are_whole_and_their_numbers_the_audits(measured: Audit) -> None:
    tables = {table.title: table for table in report(measured, CONFIG).tables}
    for table in tables.values():
        assert all(len(row) == len(table.headers) for row in table.rows), table.title
    cells = tables["FairFace val, by race and label"]
    assert len(cells.rows) == 14
    for line, cell in zip(cells.rows, measured.primary.by.race_label, strict=True):
        assert line[1] == cell.count
        assert line[2] == pytest.approx(100 * (cell.accuracy or 0), abs=0.051)
    peers = tables["Other programs"]
    assert ("face-api.js", "1.7.15", "measured", 1000, 83.6, 76, 75) in peers.rows
    ours = measured.primary.all
    assert peers.rows[0][3:5] == (ours.count, percent(ours.accuracy))
    assert "1,000 FairFace validation faces given as crops" in peers.note


def test_every_chart_is_a_picture_with_words_and_a_table(measured: Audit) -> None:
    shown = report(measured, CONFIG)
    assert len(shown.charts) == 7
    for chart in shown.charts:
        drawing = ElementTree.fromstring(chart.svg)
        assert drawing.get("aria-label") == chart.alt
        assert chart.table in shown.tables
        width, height = (float(part) for part in drawing.get("viewBox", "").split()[2:])
        for dot in drawing.iter("{http://www.w3.org/2000/svg}circle"):
            assert 0 <= float(dot.get("cx", "-1")) <= width
            assert 0 <= float(dot.get("cy", "-1")) <= height


def test_a_label_with_markup_in_it_stays_text() -> None:
    rows = [("<b>", [svg.Measured(0.5, 0.4, 0.6, hint="<script>")])]
    assert "<b>" not in svg.intervals("<i>", rows)
    assert "<script" not in svg.intervals("<i>", rows)


def test_another_models_labels_are_named() -> None:
    other = Config(name="mine", classes=("glasses", "no_glasses", "sunglasses"))
    assert "3 labels only, glasses, no glasses, sunglasses" in report(None, other).sentences.labels
