"""TrackLog: what was seen of each face of a video -> rows, CSV and JSON, and a contact sheet."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import asdict, astuple, dataclass, field

from PIL import Image, ImageDraw

from gender_demo.drawing.layout import load_font
from gender_demo.files.about import About
from gender_demo.files.export import dump_json, to_cell
from gender_demo.files.rows import UNSURE
from gender_demo.label_words import REASONS
from gender_demo.results import Analysis, Box

SHEET_TRACKS, THUMB_PX, COLUMNS, LINE_PX = 100, 160, 5, 22
"""Of a contact sheet: the first so many tracks, a side of each picture, pictures a row."""
SURROUNDINGS = 1.0
"""How much around a face its picture on the sheet shows, in sizes of the face."""


@dataclass(frozen=True)
class TrackRow:
    """One followed face: ``label`` is what most of its frames say; shares are of analysed frames.

    ``reasons`` holds (why it was unsure, share of frames), the most frequent first.
    """

    track: int
    first_s: float
    last_s: float
    label: str
    frames: int
    share_labelled: float
    share_unsure: float
    reasons: tuple[tuple[str, float], ...]

    @property
    def why(self) -> str:
        """The reasons in words, with their shares."""
        return "; ".join(f"{REASONS[name]} ({_percent(share)})" for name, share in self.reasons)


@dataclass
class _Track:
    first_s: float
    last_s: float
    frames: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    thumb: Image.Image | None = None
    thumb_px: float = 0.0


class TrackLog:
    """What was seen of each face; its memory grows with the faces, not with the video."""

    def __init__(self, min_score: float) -> None:
        """Faces with a lower detector score were missed, not seen."""
        self._tracks: dict[int, _Track] = {}
        self._min_score = min_score

    def add(self, analysis: Analysis, at_s: float) -> None:
        """One analysed frame."""
        for seen in analysis.predictions:
            if seen.track is None or seen.face.score < self._min_score:
                continue
            track = self._tracks.setdefault(seen.track, _Track(at_s, at_s))
            track.last_s, track.frames = at_s, track.frames + 1
            track.labels[seen.label or UNSURE] += 1
            track.reasons.update(seen.reasons)

    def keep_thumbs(self, analysis: Analysis, drawn: Image.Image) -> None:
        """From the drawn frame, a picture of each face that is larger than ever before."""
        for seen in analysis.predictions:
            track, size_px = self._tracks.get(seen.track or 0), seen.face.box.size_px
            wanted = track and (seen.track or 0) <= SHEET_TRACKS and size_px > 1.2 * track.thumb_px
            if track and wanted and seen.face.score >= self._min_score:
                track.thumb, track.thumb_px = _thumb(drawn, seen.face.box), size_px

    def rows(self) -> list[TrackRow]:
        """One for each face, in the order in which they were found."""
        return [_row(number, track) for number, track in sorted(self._tracks.items())]

    def sheet(self) -> Image.Image:
        """A contact sheet, RGB: each face where it was largest, as it was drawn; its seconds."""
        shown = [(n, t) for n, t in sorted(self._tracks.items()) if t.thumb is not None]
        lines = max(1, -(-len(shown) // COLUMNS))
        sheet = Image.new("RGB", (COLUMNS * THUMB_PX, lines * (THUMB_PX + LINE_PX)), "white")
        pen = ImageDraw.Draw(sheet)
        for place, (number, track) in enumerate(shown):
            x, y = place % COLUMNS * THUMB_PX, place // COLUMNS * (THUMB_PX + LINE_PX)
            if track.thumb is not None:
                sheet.paste(track.thumb, (x, y))
            label = _row(number, track).label
            words = f"{number}: {track.first_s:.1f} to {track.last_s:.1f} s, {label}"[:26]
            pen.text((x + 4, y + THUMB_PX + 3), words, "black", load_font(13, words))
        if not shown:
            pen.text((8, 8), "No face was found.", "black", load_font(13))
        return sheet


def tracks_csv(name: str, rows: list[TrackRow], about: About) -> str:
    """A header line and one line per face of the video; see ``files.export.write_csv``."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ("file", "track", "first second", "last second", "perceived as", "analysed frames",
         "share labelled", "share unsure", "why unsure", "model", "date", "threshold", "caveat")
    )  # fmt: skip
    for row in rows:
        cells = (name, *astuple(row)[:-1], row.why, *astuple(about))
        writer.writerow(map(to_cell, cells))
    return out.getvalue()


def tracks_json(
    name: str, seconds: float, rows: list[TrackRow], about: About, note: str | None
) -> str:
    """One object: {file, seconds, tracks, note, about}; a track's reasons are a list of pairs."""
    entry = {
        "file": name,
        "seconds": round(seconds, 3),
        "tracks": [asdict(row) for row in rows],
        "note": note,
        "about": asdict(about),
    }
    return dump_json(entry) + "\n"


def _row(number: int, track: _Track) -> TrackRow:
    unsure = track.labels[UNSURE] / track.frames
    return TrackRow(
        number,
        round(track.first_s, 3),
        round(track.last_s, 3),
        track.labels.most_common(1)[0][0],
        track.frames,
        round(1 - unsure, 4),
        round(unsure, 4),
        tuple((name, round(n / track.frames, 4)) for name, n in track.reasons.most_common()),
    )


def _thumb(drawn: Image.Image, box: Box) -> Image.Image:
    half = box.size_px * (0.5 + SURROUNDINGS / 2)
    x, y = box.centre
    place = (x - half, y - half, x + half, y + half)
    size = (THUMB_PX - 4, THUMB_PX - 4)
    return drawn.crop(tuple(map(round, place))).resize(size, Image.Resampling.BILINEAR)  # type: ignore[arg-type]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 else "under 1 %"
