"""What the audit's tables are made of: cells, columns, and figures as people read them."""

from __future__ import annotations

from dataclasses import dataclass

from gender_demo.audit.figures import GroupFigures, Rate

Cell = str | int | float | None

GROUP_HEADERS = (
    "group",
    "faces",
    "right %",
    "95 % from",
    "95 % to",
    "labels shown %",
    "labels shown",
    "of these wrong",
    "error of shown labels %",
    "error 95 % from",
    "error 95 % to",
    "no face found",
)


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


def with_interval(rate: Rate) -> str:
    """ "93.1 % (95 % interval 92.3–93.8 %) of 4,537": a share never stands alone."""
    return (
        f"{percent(rate.share)} % (95 % interval {percent(rate.low)}–"
        f"{percent(rate.high)} %) of {rate.count:,}"
    )


def group_name(group: dict[str, str]) -> str:
    """ "Black, labelled female": the data set's words, said as labels."""
    words = {"label": "labelled {}", "age": "aged {}"}
    return ", ".join(
        words.get(kind, "{}").format(name.replace("_", "/")) for kind, name in group.items()
    )


def cells(row: GroupFigures, name: str | None = None) -> tuple[Cell, ...]:
    """A group's row under GROUP_HEADERS."""
    return (
        name or group_name(row.group),
        row.count,
        *with_ends(row.correct),
        percent(row.coverage),
        row.answered,
        row.answered_wrong,
        *with_ends(row.shown),
        row.missed,
    )


def with_ends(rate: Rate) -> tuple[float | None, ...]:
    """A share and its interval's ends, in percent."""
    return percent(rate.share), percent(rate.low), percent(rate.high)


def rounded(points: float | None) -> float | None:
    """Percentage points with one decimal."""
    return None if points is None else round(points, 1)
