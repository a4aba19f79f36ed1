"""Look at the faces with the highest losses and say what they are: keep, relabel or drop.

A page in the browser, after fast.ai's ImageClassifierCleaner. Every decision is in the manifest at
once and can be taken back, also another day; the next ``train fit`` learns from what is left.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import math
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image
from tqdm import tqdm

from gender_demo.errors import CheckpointError, DataError
from gender_demo.vision.checkpoint import (
    Checkpoint,
    load_checkpoint,
)
from gender_demo.vision.classifier import Classifier
from gender_demo.vision.crops import crop_whole
from train.data.crops import open_crops
from train.data.decisions import (
    DROP,
    KEEP,
    PREPARED,
    decide,
    read_decisions,
    undo,
)
from train.data.manifest import MANIFEST
from train.data.prepared import read_facts

if TYPE_CHECKING:
    import gradio as gr

TEMPLATES = Path(__file__).parent / "templates"
BATCH = 64
Shown = dict[str, Any]


def run(args: argparse.Namespace) -> int:
    """Serve the page on this machine until interrupted."""
    try:
        desk = ReviewDesk(args.data, args.checkpoint)
    except (CheckpointError, DataError) as error:
        raise SystemExit(str(error)) from None
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    page = build_page(desk)
    try:
        _, url, _ = page.launch(server_port=args.port, **launch_options())
    except OSError as error:
        raise SystemExit(f"The page cannot be served on port {args.port} ({error}).") from None
    print(f"Look at {url} (stop with Ctrl+C).", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        page.close(verbose=False)
    return 0


@dataclass(frozen=True)
class Face:
    """One face that is trained on; ``loss`` is that of its label."""

    path: str
    split: str
    label: str
    row: int
    guess: str
    probability: float
    loss: float


class ReviewDesk:
    """The faces in the order of their losses, and where a person stands in them."""

    def __init__(self, folder: Path, checkpoint: Path) -> None:
        self.folder = folder
        loaded = load_checkpoint(checkpoint)
        self.classes = loaded.config.classes
        if not (folder / MANIFEST).is_file():
            raise DataError(f"{folder} was not written by python -m train prepare.")
        self.crops = open_crops(folder)
        self.faces = self._rank(loaded)

    def _rank(self, checkpoint: Checkpoint) -> list[Face]:
        facts = read_facts(self.folder)
        label = facts["labels"][0]
        classify, size_px = Classifier(checkpoint), checkpoint.config.crop_px
        margin = checkpoint.config.crop_margin / facts["margin"]
        prepared = self.folder / PREPARED
        table = pq.read_table(prepared if prepared.exists() else self.folder / MANIFEST)
        rows = [row for row in table.to_pylist() if row["row"] >= 0]
        if strange := {row[label] for row in rows} - set(self.classes):
            raise DataError(
                f"The checkpoint knows {', '.join(self.classes)}, the data also "
                f"{', '.join(sorted(strange))}: give the checkpoint that was trained on it."
            )
        faces = []
        for start in tqdm(range(0, len(rows), BATCH), desc="losses", unit=" batches"):
            batch = rows[start : start + BATCH]
            crops = [Image.fromarray(self.crops[row["row"]]) for row in batch]
            served = [crop_whole(crop, size_px, margin=margin) for crop in crops]
            for row, values in zip(batch, classify(served), strict=True):
                best = max(range(len(values)), key=values.__getitem__)
                loss = -math.log(max(1e-9, values[self.classes.index(row[label])]))
                seen = (self.classes[best], values[best], loss)
                faces.append(Face(row["path"], row["split"], row[label], row["row"], *seen))
        return sorted(faces, key=lambda face: -face.loss)

    @property
    def left(self) -> list[Face]:
        """Those that nothing was decided about, highest losses first."""
        decided = {one["path"] for one in read_decisions(self.folder)}
        return [face for face in self.faces if face.path not in decided]

    def decide(self, path: str, action: str) -> Shown:
        """KEEP, DROP or a class for the face that was shown; returns the next one."""
        if all(face.path != path for face in self.left):  # a second click on what is done
            return self.show("")
        decide(self.folder, path, action)
        what = {KEEP: "Kept", DROP: "Dropped"}.get(action, f"Relabelled as {action}")
        return self.show(f"{what}: {path}")

    def undo(self) -> Shown:
        """Take the last decision back and show its face again."""
        taken = undo(self.folder)
        if taken is None:
            return self.show("There is nothing to take back.")
        return self.show(f"Taken back: {taken['path']}", first=taken["path"])

    def show(self, said: str, first: str = "") -> Shown:
        """What the page shows: the face ``first`` if it is left, else that of the highest loss."""
        left = self.left
        shown: Shown = {
            "path": "", "picture": "", "label": "", "guess": "", "percent": 0, "loss": "",
            "split": "", "said": said, "left": len(left), "folder": str(self.folder),
            "decided": len(self.faces) - len(left),
        }  # fmt: skip
        if left:
            face = next((face for face in left if face.path == first), left[0])
            shown |= {
                "path": face.path,
                "picture": _data_url(self.crops[face.row]),
                "label": face.label,
                "guess": face.guess,
                "percent": min(99, round(100 * face.probability)),
                "loss": f"{face.loss:.2f}",
                "split": face.split,
            }
        # Names come from files: nothing in them may be read as markup.
        return {k: html.escape(v) if isinstance(v, str) else v for k, v in shown.items()}


def _data_url(crop: np.ndarray) -> str:
    packed = io.BytesIO()
    Image.fromarray(crop).save(packed, "PNG")
    return f"data:image/png;base64,{base64.b64encode(packed.getvalue()).decode()}"


def build_page(desk: ReviewDesk) -> gr.Blocks:
    """The page; ``launch_options()`` belong to it."""
    import gradio as gr

    page: gr.Blocks = gr.Blocks(title="Review faces", analytics_enabled=False)
    with page:
        gr.Markdown("# Which labels are wrong?")
        face = gr.HTML(
            desk.show(""),
            html_template=(TEMPLATES / "review.html").read_text(encoding="utf-8"),
            apply_default_css=False,
        )
        with gr.Row():
            actions = {
                gr.Button("Keep (K)", elem_id="review-keep", variant="primary"): KEEP,
                gr.Button("Drop (D)", elem_id="review-drop"): DROP,
                **{
                    gr.Button(f"{name} ({i})", elem_id=f"review-{i}"): name
                    for i, name in enumerate(desk.classes, 1)
                },
            }
            back = gr.Button("Undo (U)", elem_id="review-undo")

        def act(action: str) -> Any:
            return lambda shown: desk.decide(html.unescape(shown["path"]), action)

        # One decision at a time: a quick second key waits for the first one's answer.
        quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_id": "one",
                                 "concurrency_limit": 1, "api_visibility": "private"}  # fmt: skip
        for button, action in actions.items():
            button.click(act(action), [face], [face], **quiet)
        back.click(desk.undo, None, [face], **quiet)
        page.load(lambda: desk.show(""), None, [face], **quiet)
    return page


def launch_options() -> dict[str, Any]:
    """On this machine only; nothing is kept in the browser or told to others."""
    from gender_demo.web.theme import build_theme

    return {
        "server_name": "127.0.0.1",
        "theme": build_theme(),
        "css_paths": [TEMPLATES / "review.css"],
        "js": (TEMPLATES / "review.js").read_text(encoding="utf-8"),
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "ssr_mode": False,
        "show_error": True,
        "prevent_thread_lock": True,
        "quiet": True,
    }
