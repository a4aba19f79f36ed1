"""The audit's tables; ``gender_demo.audit.report`` says what the audit holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gender_demo.wording import REASONS

PEERS = Path(__file__).with_name("peers.json")
Row = dict[str, Any]
Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Numbers stay numbers (percent, one decimal), so that a page can sort by them."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def percent(share: float | None) -> float | None:
    """A share in percent with one decimal."""
    return None if share is None else round(100 * share, 1)


def _percents(row: Row, *keys: str) -> tuple[float | None, ...]:
    return tuple(percent(row[key]) for key in keys)


def with_interval(row: Row) -> str:
    """ "93.1 % (95 % interval 92.3–93.8 %) of 4,537": a share never stands alone."""
    return (
        f"{percent(row['accuracy'])} % (95 % interval {percent(row['low'])}–"
        f"{percent(row['high'])} %) of {row['count']:,}"
    )


def group_name(group: dict[str, str]) -> str:
    """ "Black, labelled female": the data set's words, said as labels."""
    words = {"label": "labelled {}", "age": "aged {}"}
    return ", ".join(
        words.get(kind, "{}").format(name.replace("_", "/")) for kind, name in group.items()
    )


GROUP_HEADERS = (
    "group",
    "faces",
    "right %",
    "95 % from",
    "95 % to",
    "answered %",
    "wrong among answers %",
    "no face found",
)


def _cells(row: Row, name: str | None = None) -> tuple[Cell, ...]:
    return (
        name or group_name(row["group"]),
        row["count"],
        *_percents(row, "accuracy", "low", "high", "coverage", "error"),
        row["missed"],
    )


def _group_table(title: str, rows: Sequence[Row], note: str = "") -> Table:
    return Table(title, GROUP_HEADERS, tuple(_cells(row) for row in rows), note)


def tables(audit: Row) -> list[Table]:
    """Every table of the report, in the order in which they are read."""
    fairface = audit["sets"]["fairface"]
    result = [_at_a_glance(audit)]
    for data in audit["sets"].values():
        name = f"{data['title']} {data['split']}"
        kinds = {
            "race_label": "by race and label",
            "label": "by label",
            "race": "by race",
            "age": "by age",
            "face_px": "by size of the face",
        }
        result += [
            _group_table(f"{name}, {words}", data["by"][kind], _gap_note(data, kind))
            for kind, words in kinds.items()
            if data["by"][kind]
        ]
    return [
        *result,
        *_condition_tables(audit),
        *_certainty_tables(fairface),
        *([_peers(fairface)] if fairface["title"] == "FairFace" else []),
        _provenance(audit),
    ]


def _gap_note(data: Row, kind: str) -> str:
    if kind == "label" and data["label_gap_points"] is not None:
        return f"Between the labels lie {data['label_gap_points']:.1f} points."
    if kind == "race_label" and data["gap_points"] is not None:
        return (
            f"Between the worst and the best group lie {data['gap_points']:.1f} points. "
            f"{_abstention_note(data['by'][kind])}"
        )
    return ""


def _abstention_note(rows: Sequence[Row]) -> str:
    """For whom “unsure” is said most and least, and what that leaves of the errors."""
    ordered = sorted(rows, key=lambda row: float(row["coverage"]))
    least, most = (
        f"{group_name(row['group'])}: {percent(row['coverage'])} % answered, "
        f"{'none' if row['error'] is None else percent(row['error'])} % of that wrong"
        for row in (ordered[0], ordered[-1])
    )
    return f"Most often unsure about {least}; least often about {most}."


def _point(points: float | None) -> float | None:
    return None if points is None else round(points, 1)


def _at_a_glance(audit: Row) -> Table:
    rows = []
    for data in audit["sets"].values():
        name = f"{data['title']} {data['split']}, as given"
        rows.append(_cells(data["all"], name))
        for key in ("age_10_and_over", "age_under_10"):
            if data[key]:
                rows.append(_cells(data[key], f"{name}, {group_name(data[key]['group'])}"))
    note = (
        "“As given”: the picture as it is in the data set, cropped by the serving code where a "
        "face is found and as a whole where not; a guess for every face. “Answered” and “wrong "
        "among answers”: with “unsure”."
    )
    return Table("At a glance", GROUP_HEADERS, tuple(rows), note)


def _condition_tables(audit: Row) -> list[Table]:
    context = audit["context"]
    given = (*_cells(context["given"], "the same faces as given"), 0.0)
    shown = [(*_cells(row, row["name"]), _point(row["behind_points"])) for row in context["shown"]]
    degraded = [
        (
            *_cells(row, row["name"]),
            _point(row["lost_points"]),
            _point(row["label_gap_points"]),
            percent(row["worst"]["accuracy"]) if row["worst"] else None,
        )
        for row in audit["degraded"]
    ]
    flips = [
        (
            row["name"],
            row["count"],
            row["flips"],
            *_percents(row, "share", "low", "high"),
            row["flips_shown"],
        )
        for row in audit["flips"]
    ]
    sizes = [
        _cells(group, f"{row['name']}: {group_name(group['group'])}")
        for row in context["shown"]
        for group in row["by"]["face_px"]
        if group["count"]
    ]
    misses = [
        (f"{row['name']}: {group_name(group['group'])}", group["pictures"], group["missed"])
        for row in context["shown"]
        for kind in ("label", "race", "age")
        for group in row["by"][kind]
    ]
    return [
        Table(
            "Faces with their surroundings",
            (*GROUP_HEADERS, "points behind given"),
            (given, *shown),
            "A face counts as found if its box holds the middle of the labelled face; “points "
            "behind given”: against the given pictures of those found.",
        ),
        Table("Faces with their surroundings, by size of the face", GROUP_HEADERS, tuple(sizes)),
        Table("Faces missed by the detector", ("group", "pictures", "missed"), tuple(misses)),
        Table(
            "Worse pictures",
            (*GROUP_HEADERS, "points lost", "points between labels", "worst group %"),
            tuple(degraded),
        ),
        Table(
            "Two copies of one picture",
            ("copy", "faces", "label flips", "flips %", "95 % from", "95 % to", "flips shown"),
            tuple(flips),
            "“Flips shown”: both copies were answered, with different labels.",
        ),
    ]


def _certainty_tables(data: Row) -> list[Table]:
    calibration = data["calibration"]
    bins = [
        (
            f"{100 * b['from']:.0f}–{100 * b['to']:.0f} %",
            b["count"],
            *_percents(b, "confidence", "accuracy", "low", "high"),
        )
        for b in calibration["bins"]
    ]
    curve = [
        (
            percent(p["coverage"]),
            p["count"],
            *_percents(p, "error", "low", "high", "from_probability"),
        )
        for p in data["risk_coverage"]
    ]
    reasons = [
        (REASONS.get(name, "no face was found"), count)
        for name, count in sorted(data["reasons"].items(), key=lambda item: -item[1])
    ]
    return [
        Table(
            "Calibration",
            ("probability given", "faces", "mean given %", "right %", "95 % from", "95 % to"),
            tuple(bins),
            f"Expected calibration error over 15 bins: {calibration['ece']:.4f}; "
            f"{calibration['ece_before']:.4f} before the temperature of "
            f"{calibration['temperature']:.3f}.",
        ),
        Table(
            "If only the surest are answered",
            ("answered %", "faces", "wrong %", "95 % from", "95 % to", "probability from %"),
            tuple(curve),
        ),
        Table("Why it was unsure", ("reason", "pictures"), tuple(reasons)),
    ]


def _provenance(audit: Row) -> Table:
    machine, speed = audit["machine"], audit["speed"]
    rows: list[tuple[Cell, ...]] = [
        ("checkpoint", audit["checkpoint"]["name"]),
        ("sha-256 of its weights", audit["checkpoint"]["weights_sha256"]),
        ("parameters", f"{audit['parameters']:,}"),
        ("date", audit["date"]),
        ("device", f"{machine['device']}, {machine['processor']}, {machine['threads']} threads"),
        ("torch", machine["torch"]),
        ("milliseconds a 640 × 480 picture", speed["ms_per_picture"]),
        ("milliseconds a face in it", speed["ms_per_face"]),
    ]
    for data in (*audit["sets"].values(), audit["context"]):
        rows.append((f"{data['title']} {data['split']}", ", ".join(data["files"])))
        rows.append(("sha-256 of its pictures", data["sha256"]))
    return Table("How it was measured", ("what", "value"), tuple(rows))


def _peers(fairface: Row) -> Table:
    """Other programs' figures beside ours, with how they came about."""
    data = json.loads(PEERS.read_text(encoding="utf-8"))
    headers = ("program", "version", "way", "faces", "right %", "women found %", "Black faces %")
    keys = ("name", "version", "how", "faces", "right", "women", "black")
    groups = {
        name: percent(row["accuracy"])
        for kind in ("label", "race")
        for row in fairface["by"][kind]
        for name in row["group"].values()
    }
    all_ = fairface["all"]
    ours = ("this model", "", "measured on all", all_["count"], percent(all_["accuracy"]))
    rows = (
        (*ours, groups.get("female"), groups.get("Black")),
        *(tuple(row[key] for key in keys) for row in data["rows"]),
    )
    return Table("Other programs", headers, rows, data["note"])
