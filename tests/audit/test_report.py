"""Intervals against known values; tables and charts against the audit they show."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from scipy.stats import binomtest

from gender_demo.audit import svg
from gender_demo.audit.cells import percent
from gender_demo.audit.charts import faces
from gender_demo.audit.figures import RANKED_FROM, Rate, wilson
from gender_demo.audit.fractions import one_in
from gender_demo.audit.reading import fits, read_audit
from gender_demo.audit.report import report
from gender_demo.audit.schema import Audit, WorkingPoint
from gender_demo.audit.wording import NO_AUDIT, OTHER_AUDIT
from gender_demo.errors import CheckpointError
from gender_demo.vision.checkpoint import Config
from tests.support.audits import CONFIG, made_up_audit, row, with_primary


@pytest.fixture(scope="module")
def measured() -> Audit:
    """An audit of the form that ``train evaluate`` writes."""
    return made_up_audit()


def test_an_audit_of_version_1_says_what_it_said() -> None:
    """That of the ResNet-18 which was shipped before."""
    raw = json.loads(Path(__file__).with_name("version_1.json").read_text())
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
        ({"speed": {}}, r"\(speed.picture_px\): measure again"),
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


def picture_rates(audit: Audit) -> list[Rate]:
    children = audit.primary.age_under_10
    assert children
    return [audit.primary.all.shown, audit.primary.all.forced, children.shown]


def test_every_chart_is_a_picture_with_words_and_a_table(measured: Audit) -> None:
    shown = report(measured, CONFIG)
    assert len(shown.charts) == 7
    assert shown.picture
    drawn = [faces(rate) for rate in picture_rates(measured)]
    assert shown.picture.svg.count('class="cross"') == 2 * sum(wrong for wrong, _ in drawn)
    assert shown.picture.svg.count('class="face"') == sum(of - wrong for wrong, of in drawn)
    for chart in (shown.picture, *shown.charts):
        drawing = ElementTree.fromstring(chart.svg)
        assert drawing.get("aria-label") == chart.alt
        assert not re.search(r"\. [A-Z]", chart.alt), "one sentence"
        assert chart is shown.picture or chart.table in shown.tables
        width, height = (float(part) for part in drawing.get("viewBox", "").split()[2:])
        for dot in drawing.iter("{http://www.w3.org/2000/svg}circle"):
            assert 0 <= float(dot.get("cx", "-1")) <= width
            assert 0 <= float(dot.get("cy", "-1")) <= height


@pytest.mark.parametrize(
    ("hits", "count", "told", "drawn"),
    [
        (88, 3436, "about 1 in 39", (1, 39)),
        (40, 100, "about 4 in 10", (4, 10)),
        (7, 7, "all 7", (7, 7)),
        (0, 12, "none of 12", (0, 12)),
        (0, 1234, "none of 1,234", (0, 100)),
        (2, 1851, "about 1 in 926", (0, 100)),
    ],
)
def test_the_picture_draws_what_its_words_say(
    hits: int, count: int, told: str, drawn: tuple[int, int]
) -> None:
    rate = Rate(hits=hits, count=count)
    assert one_in(rate) == told
    assert faces(rate) == drawn


def test_a_label_with_markup_in_it_stays_text() -> None:
    rows = [("<b>", [svg.Measured(0.5, 0.4, 0.6, hint="<script>")])]
    assert "<b>" not in svg.intervals("<i>", rows)
    assert "<script" not in svg.intervals("<i>", rows)


def test_groups_of_few_faces_are_drawn_and_ranked_nowhere(measured: Audit) -> None:
    few = row(0, RANKED_FROM - 1, race="Black", label="female")
    cells = (few, *measured.primary.by.race_label[2:])
    by = measured.primary.by.model_copy(update={"race_label": cells})
    audit = with_primary(measured, by=by)
    assert audit.primary.worst != few
    assert audit.primary.worst_shown != few
    shown = report(audit, CONFIG)
    assert "Black" not in shown.sentences.error_rates
    drawn = {chart.title: chart.svg for chart in shown.charts}
    assert "Black" not in drawn["FairFace val: wrong labels, by race and label"]
    (table,) = (t for t in shown.tables if t.title == "FairFace val, by race and label")
    assert table.rows[0][0] == "Black, labelled female"


def test_figures_that_do_not_add_up_are_not_read(measured: Audit) -> None:
    raw = measured.model_dump(mode="json")
    raw["primary"]["by"]["race"][0]["pictures"] = 601
    with pytest.raises(CheckpointError, match=r"cannot be read .* \(primary.pictures\)"):
        read_audit(raw)
    raw = measured.model_dump(mode="json")
    raw["corruptions"][0]["right"] = 601
    with pytest.raises(CheckpointError, match=r"\(corruptions.0\)"):
        read_audit(raw)


def test_working_points_start_at_the_served_threshold(measured: Audit) -> None:
    points = (
        WorkingPoint(threshold=0.9, coverage=0.3, hits=9, count=180),
        WorkingPoint(threshold=0.75, coverage=0.5, hits=30, count=300),
        WorkingPoint(threshold=0.6, coverage=0.7, hits=80, count=420),
    )
    shown = report(with_primary(measured, working_points=points), CONFIG)
    assert [p.threshold for p in shown.working_points] == [0.75, 0.9]
    curve = report(measured, CONFIG).working_points
    assert curve
    assert all(p.threshold >= CONFIG.rules.min_probability for p in curve)
    assert [p.coverage for p in curve] == sorted((p.coverage for p in curve), reverse=True)
