"""Intervals against known values; sentences, tables and charts against the audit they word."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from gender_demo.audit import report as audit
from gender_demo.audit.report import (
    NO_AUDIT,
    OTHER_AUDIT,
    charts,
    fits,
    report,
    settings,
    wilson,
)
from gender_demo.vision.checkpoint import Config
from train.data.records import (
    AGES,
    RACES,
    Record,
)
from train.measure.figures import (
    flips,
    row,
    rows_by,
    summary,
)
from train.measure.observe import Observation

CONFIG = Config(name="tried", classes=("female", "male"), temperature=1.2, weights_sha256="a" * 64)


def observations(count: int = 600, accuracy: float = 0.8) -> list[Observation]:
    """Made-up answers of a model that does not exist, for faces that do not exist."""
    draw = random.Random(5)
    result = []
    for i in range(count):
        label = draw.choice(CONFIG.classes)
        sample = Record(
            str(i), b"", {"label": label},
            groups={"race": draw.choice(RACES), "age": draw.choice(AGES)},
        )  # fmt: skip
        other = CONFIG.classes[label == CONFIG.classes[0]]
        guess = label if draw.random() < accuracy else other
        sure = draw.uniform(0.5, 1)
        values = (sure, 1 - sure) if guess == "female" else (1 - sure, sure)
        reasons = ("close_call",) if sure < 0.7 else ()
        answer = None if reasons else guess
        result.append(Observation(sample, values, guess, answer, reasons, draw.uniform(30, 200)))
    return result


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """An audit of the form that ``train evaluate`` writes."""
    seen = observations()
    data = {"split": "val", "files": ["a.parquet"], "sha256": "b" * 64, "contradictory": 0}
    everything = {**data, **summary(seen, CONFIG.temperature)}
    kinds = ("label", "race", "age", "face_px")
    shown = {
        **row(seen),
        "name": "as a photo shows them",
        "found_share": 1.0,
        "same_faces_given": 0.9,
        "behind_points": 1.5,
        "by": {kind: rows_by(seen, kind) for kind in kinds},
    }
    worse = {
        **row(seen),
        "name": "dark",
        "lost_points": 2.25,
        "label_gap_points": 1.0,
        "worst": row(seen),
    }
    return {
        "version": audit.VERSION,
        "date": "2026-11-22",
        "checkpoint": {"name": CONFIG.name, "weights_sha256": CONFIG.weights_sha256},
        "settings": settings(CONFIG),
        "parameters": 11_177_538,
        "machine": {"device": "cpu", "processor": "any", "threads": 2, "torch": "2"},
        "sets": {
            "fairface": {**everything, "title": "FairFace"},
            "utkface": {**everything, "title": "UTKFace"},
        },
        "context": {**data, "title": "FairFace", "given": row(seen), "shown": [shown]},
        "degraded": [worse],
        "flips": [flips(seen, seen, "shifted")],
        "speed": {"picture_px": [640, 480], "ms_per_picture": 50.0, "ms_per_face": 15.0},
    }


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
def test_an_audit_of_another_checkpoint_is_not_shown(
    measured: dict[str, Any], other: Config
) -> None:
    assert fits(measured, CONFIG)
    assert not fits(measured, other)
    shown = report(measured, other)
    assert OTHER_AUDIT in shown.sentences
    assert not shown.tables


def test_panel_gives_accuracy_with_count_interval_date_worst_and_best(
    measured: dict[str, Any],
) -> None:
    data = measured["sets"]["fairface"]
    told = report(measured, CONFIG).sentences[2]
    for figures in (data["all"], data["worst"], data["best"]):
        assert f"{100 * figures['accuracy']:.1f} %" in told
        assert f"{100 * figures['low']:.1f}–{100 * figures['high']:.1f} %" in told
        assert f"of {figures['count']}" in told
    assert "22 November 2026" in told


def test_weak_spots_tell_of_faces_that_are_not_found(measured: dict[str, Any]) -> None:
    worse = measured["degraded"][0]
    often = {**worse, "missed": round(0.3 * worse["pictures"])}
    for row_, told in ((worse | {"missed": 0}, False), (often, True)):
        spots = report({**measured, "degraded": [row_]}, CONFIG).sentences[3]
        before = worse["accuracy"] + 0.0225
        right = f"{100 * worse['accuracy']:.1f} % of {worse['count']:,} right"
        assert f"dark pictures ({right} instead of {100 * before:.1f} %" in spots
        assert (f"no face found in {often['missed']} of them)" in spots) == told
    as_good = worse | {"missed": 0, "lost_points": 0.9}
    assert "dark" not in report({**measured, "degraded": [as_good]}, CONFIG).sentences[3]


def test_groups_that_fare_clearly_worse_are_weak_spots(measured: dict[str, Any]) -> None:
    data = measured["sets"]["fairface"]
    worse = data["all"] | {"accuracy": 0.5, "count": 476, "low": 0.4, "high": 0.6}
    kinds = {
        "age": [
            worse | {"group": {"age": "3-9"}},  # told of with the children
            worse | {"group": {"age": "10-19"}},
            worse | {"group": {"age": "20-29"}, "high": 1.0},
        ],
        "race": [worse | {"group": {"race": "Latino_Hispanic"}}],
    }
    other = {**measured["sets"], "fairface": {**data, "by": {**data["by"], **kinds}}}
    spots = report({**measured, "sets": other}, CONFIG).sentences[3]
    assert "faces aged 10-19 (50.0 % of 476 right)" in spots
    assert "Latino/Hispanic faces (50.0 % of 476 right)" in spots
    assert "3-9" not in spots
    assert "20-29" not in spots


@pytest.mark.parametrize(
    ("right", "told"),
    [(92, "About 1 in 12 guesses is wrong."), (100, "None of 100 guesses was wrong.")],
)
def test_the_headline_is_a_plain_fraction(measured: dict[str, Any], right: int, told: str) -> None:
    data = measured["sets"]["fairface"]
    data = {**data, "all": data["all"] | {"right": right, "count": 100}}
    shown = report({**measured, "sets": {"fairface": data}}, CONFIG)
    assert shown.headline == told
    assert shown.sentences[2].startswith(told)


def test_unsure_is_told_by_group(measured: dict[str, Any]) -> None:
    cells = measured["sets"]["fairface"]["by"]["race_label"]
    shares = [100 * cell["coverage"] for cell in cells]
    shown = report(measured, CONFIG)
    assert f"({min(shares):.1f} to {max(shares):.1f} % by race and label)" in shown.sentences[6]
    tables = {table.title: table for table in shown.tables}
    note = tables["FairFace val, by race and label"].note
    least = min(cells, key=lambda cell: cell["coverage"])
    told = f"Most often unsure about {audit.group_name(least['group'])}: {min(shares):.1f} % answ"
    assert told in note
    assert f"{100 * least['error']:.1f} % of that wrong;" in note


def test_blurred_is_named_only_where_there_is_a_limit() -> None:
    limited = replace(CONFIG, rules=replace(CONFIG.rules, min_sharpness=10.0))
    assert "too blurred" in report(None, limited).sentences[6]
    assert "blurred" not in report(None, CONFIG).sentences[6]


def test_words_say_perceived_and_never_is(measured: dict[str, Any]) -> None:
    for shown in (report(None, CONFIG), report(measured, CONFIG)):
        told = " ".join(shown.sentences)
        assert "perceived" in told
        assert " is female" not in told
        assert " is male" not in told


def test_people_are_not_called_none_of_some_things() -> None:
    told = report(None, replace(CONFIG, classes=("hat", "no_hat"))).sentences[1]
    assert (
        told
        == "It knows two labels only, hat and no hat, and has no word for a face that is neither."
    )


def test_tables_are_whole_and_their_numbers_the_audits(measured: dict[str, Any]) -> None:
    tables = {table.title: table for table in report(measured, CONFIG).tables}
    for table in tables.values():
        assert all(len(row) == len(table.headers) for row in table.rows), table.title
    cells = tables["FairFace val, by race and label"]
    assert len(cells.rows) == 14
    for line, cell in zip(
        cells.rows, measured["sets"]["fairface"]["by"]["race_label"], strict=True
    ):
        assert line[1] == cell["count"]
        assert line[2] == pytest.approx(100 * cell["accuracy"], abs=0.051)
    peers = tables["Other programs"]
    assert ("face-api.js", "1.7.15", "measured", 1000, 83.6, 76, 75) in peers.rows
    ours = measured["sets"]["fairface"]["all"]
    assert peers.rows[0][3:5] == (ours["count"], audit.percent(ours["accuracy"]))
    assert "1,000 FairFace validation faces given as crops" in peers.note


def test_every_chart_is_a_picture_with_words_and_a_table(measured: dict[str, Any]) -> None:
    shown = report(measured, CONFIG)
    assert len(shown.charts) == 7
    for chart in shown.charts:
        svg = ElementTree.fromstring(chart.svg)
        assert svg.get("aria-label") == chart.alt
        assert chart.table in shown.tables
        width, height = (float(part) for part in svg.get("viewBox", "").split()[2:])
        for dot in svg.iter("{http://www.w3.org/2000/svg}circle"):
            assert 0 <= float(dot.get("cx", "-1")) <= width
            assert 0 <= float(dot.get("cy", "-1")) <= height


def test_a_label_with_markup_in_it_stays_text() -> None:
    rows = [("<b>", [charts.Measured(0.5, 0.4, 0.6, hint="<script>")])]
    assert "<b>" not in charts.intervals("<i>", rows)
    assert "<script" not in charts.intervals("<i>", rows)


def test_another_models_labels_are_named() -> None:
    other = Config(name="mine", classes=("glasses", "no_glasses", "sunglasses"))
    assert "3 labels only, glasses, no glasses, sunglasses" in report(None, other).sentences[1]
