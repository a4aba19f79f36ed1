"""The audit's tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from gender_demo.audit.cells import (
    GROUP_HEADERS,
    Cell,
    Table,
    cells,
    group_name,
    percent,
    rounded,
    with_ends,
)
from gender_demo.audit.figures import RANKED_FROM, GroupFigures
from gender_demo.audit.schema import Audit, CorruptionFigures, SetFigures
from gender_demo.label_words import REASONS

PEERS = Path(__file__).with_name("peers.json")

GROUPINGS = {
    "race_label": "by race and label",
    "label": "by label",
    "race": "by race",
    "age": "by age",
    "face_px": "by size of the face",
}
CORRUPTIONS, COVERED = "Worse pictures", "Covered faces"


def tables(audit: Audit) -> tuple[Table, ...]:
    """Every table of the report, in the order in which they are read."""
    primary = audit.primary
    return (
        at_a_glance(audit),
        *(
            group_table(data, kind)
            for data in audit.sets
            for kind in GROUPINGS
            if getattr(data.by, kind)
        ),
        *_full_picture_tables(audit),
        corruption_table(CORRUPTIONS, audit.corruptions),
        *([corruption_table(COVERED, audit.covered)] if audit.covered else []),
        *([_drawing_table(audit)] if audit.drawings else []),
        _invariance_table(audit),
        calibration_table(primary),
        risk_table(primary),
        *([_working_point_table(primary)] if primary.working_points else []),
        _reason_table(primary),
        *([_peers(primary)] if primary.title == "FairFace" else []),
        _provenance(audit),
    )


def at_a_glance(audit: Audit) -> Table:
    """All sets, and children apart from the others."""
    rows = []
    for data in audit.sets:
        name = f"{data.name}, chips"
        rows.append(cells(data.all, name))
        for part in (data.age_10_and_over, data.age_under_10):
            if part:
                rows.append(cells(part, f"{name}, {group_name(part.group)}"))
    note = (
        "“Chips”: the pictures as they are in the data set, cropped by the serving code where a "
        "face is found and as a whole where not. “Right”: with a label for every face. “Labels "
        "shown”: those that are not “unsure”."
    )
    return Table("At a glance", GROUP_HEADERS, tuple(rows), note)


def group_table(data: SetFigures, kind: str) -> Table:
    """One set by one of GROUPINGS."""
    rows: tuple[GroupFigures, ...] = getattr(data.by, kind)
    note = ""
    if kind == "label" and data.label_gap_points is not None:
        note = f"Between the labels lie {data.label_gap_points:.1f} points."
    elif kind == "race_label" and data.gap_points is not None:
        note = (
            f"Between the worst and the best group of {RANKED_FROM} faces and more lie "
            f"{data.gap_points:.1f} points. "
            f"{_abstention_note(rows)}"
        )
    return Table(f"{data.name}, {GROUPINGS[kind]}", GROUP_HEADERS, tuple(map(cells, rows)), note)


def corruption_table(title: str, rows: Iterable[CorruptionFigures]) -> Table:
    """Chips made worse on purpose, or with something drawn over the faces."""
    return Table(
        title,
        (*GROUP_HEADERS, "points lost", "points between labels", "worst group %"),
        tuple(
            (
                *cells(row, row.name),
                rounded(row.lost_points),
                rounded(row.label_gap_points),
                percent(row.worst.accuracy) if row.worst else None,
            )
            for row in rows
        ),
    )


def calibration_table(data: SetFigures) -> Table:
    """Probability given against share right."""
    calibration = data.calibration
    rows = (
        (
            f"{100 * each.start:.0f}–{100 * each.end:.0f} %",
            each.count,
            percent(each.confidence),
            *with_ends(each),
        )
        for each in (calibration.bins if calibration else ())
    )
    note = (
        f"Expected calibration error over 15 bins: {calibration.ece:.4f}; "
        f"{calibration.ece_before:.4f} before the temperature of {calibration.temperature:.3f}."
        if calibration
        else ""
    )
    headers = ("probability given", "faces", "mean given %", "right %", "95 % from", "95 % to")
    return Table("Calibration", headers, tuple(rows), note)


def risk_table(data: SetFigures) -> Table:
    """The risk–coverage curve."""
    headers = ("answered %", "faces", "wrong %", "95 % from", "95 % to", "probability from %")
    rows = (
        (percent(p.coverage), p.count, *with_ends(p), percent(p.from_probability))
        for p in data.risk_coverage
    )
    return Table("If only the surest are answered", headers, tuple(rows))


def _abstention_note(rows: Iterable[GroupFigures]) -> str:
    """For whom “unsure” is said most and least, and what that leaves of the errors."""
    ordered = sorted(rows, key=lambda row: row.coverage or 0)
    least, most = (
        f"{group_name(row.group)}: {percent(row.coverage)} % get a label, "
        f"{'none' if row.error is None else percent(row.error)} % of those are wrong"
        for row in (ordered[0], ordered[-1])
    )
    return f"Most often unsure about {least}; least often about {most}."


def _full_picture_tables(audit: Audit) -> Sequence[Table]:
    full = audit.full_pictures
    chips = (*cells(full.chips, "the same faces' chips"), 0.0)
    shown = [(*cells(row, row.name), rounded(row.behind_points)) for row in full.shown]
    sizes = [
        cells(group, f"{row.name}: {group_name(group.group)}")
        for row in full.shown
        for group in row.by.face_px
        if group.count
    ]
    misses = [
        (f"{row.name}: {group_name(group.group)}", group.pictures, group.missed)
        for row in full.shown
        for kind in (row.by.label, row.by.race, row.by.age)
        for group in kind
    ]
    return (
        Table(
            "Full pictures",
            (*GROUP_HEADERS, "points behind chips"),
            (chips, *shown),
            "A face counts as found if its box holds the middle of the labelled face; “points "
            "behind chips”: against the chips of those found.",
        ),
        Table("Full pictures, by size of the face", GROUP_HEADERS, tuple(sizes)),
        Table("Faces missed by the detector", ("group", "pictures", "missed"), tuple(misses)),
    )


def _invariance_table(audit: Audit) -> Table:
    return Table(
        "Two copies of one picture",
        ("copy", "faces", "label flips", "flips %", "95 % from", "95 % to", "flips shown"),
        tuple(
            (pair.name, pair.count, pair.hits, *with_ends(pair), pair.shown_flips)
            for pair in audit.invariance
        ),
        "“Flips shown”: both copies were answered, with different labels.",
    )


def _working_point_table(data: SetFigures) -> Table:
    headers = ("probability from %", "labels shown %", "labels", "wrong %", "95 % from", "95 % to")
    rows = (
        (percent(p.threshold), percent(p.coverage), p.count, *with_ends(p))
        for p in data.working_points
    )
    note = "With every other reason for “unsure” in force; the first row is how it is served."
    return Table("How sure must it be?", headers, tuple(rows), note)


def _drawing_table(audit: Audit) -> Table:
    headers = ("what", "pictures", "face found", "labelled", "labelled %", "95 % from", "95 % to")
    rows = ((row.name, row.count, row.found, row.hits, *with_ends(row)) for row in audit.drawings)
    note = "Made by the measuring program; a label here is an answer about nobody."
    return Table("Pictures that show no person", headers, tuple(rows), note)


def _reason_table(data: SetFigures) -> Table:
    reasons = sorted(data.reasons.items(), key=lambda item: -item[1])
    rows = tuple((REASONS.get(name, "no face was found"), count) for name, count in reasons)
    return Table("Why it was unsure", ("reason", "pictures"), rows)


def _provenance(audit: Audit) -> Table:
    machine, speed = audit.machine, audit.speed
    rows: list[tuple[Cell, ...]] = [
        ("checkpoint", audit.checkpoint.name),
        ("sha-256 of its weights", audit.checkpoint.weights_sha256),
        ("parameters", f"{audit.parameters:,}"),
        ("date", audit.date.isoformat()),
        ("device", f"{machine.device}, {machine.processor}, {machine.threads} threads"),
        ("engine", machine.engine),
        ("torch", machine.torch),
        ("milliseconds a 640 × 480 picture", speed.ms_per_picture),
        ("milliseconds a face in it", speed.ms_per_face),
    ]
    for data in (*audit.sets, audit.full_pictures):
        rows.append((data.name, ", ".join(data.files)))
        rows.append(("sha-256 of its pictures", data.sha256))
    return Table("How it was measured", ("what", "value"), tuple(rows))


def _peers(data: SetFigures) -> Table:
    """Other programs' figures beside ours, with how they came about."""
    peers = json.loads(PEERS.read_text(encoding="utf-8"))
    headers = ("program", "version", "way", "faces", "right %", "women found %", "Black faces %")
    keys = ("name", "version", "how", "faces", "right", "women", "black")
    groups = {
        name: percent(row.accuracy)
        for row in (*data.by.label, *data.by.race)
        for name in row.group.values()
    }
    ours = ("this model", "", "measured on all", data.all.count, percent(data.all.accuracy))
    rows = (
        (*ours, groups.get("female"), groups.get("Black")),
        *(tuple(row[key] for key in keys) for row in peers["rows"]),
    )
    return Table("Other programs", headers, rows, peers["note"])
