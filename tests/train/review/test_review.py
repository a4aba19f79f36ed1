"""The review page: highest losses first, decisions in the manifest, all of it undoable."""

from __future__ import annotations

import html
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from gender_demo.vision.checkpoint import (
    Config,
    build_model,
    save_checkpoint,
)
from tests.support.browser import CHROMIUM_FLAGS, find_chromium
from tests.support.paths import ROOT
from tests.support.server import free_port
from train.__main__ import main
from train.data.crops import load_crops
from train.review.desk import ReviewDesk, View
from train.review.folds import out_of_sample_losses
from train.review.ranking import HIGHEST_LOSS, OUT_OF_SAMPLE, RANKS, UNSURE

COUNT = 6


@pytest.fixture
def folder(tmp_path: Path, draw_portrait: Callable[..., Image.Image]) -> Path:
    """Twelve prepared faces; one file's name is markup."""
    for kind in ("plain", "hat"):
        (tmp_path / "in" / kind).mkdir(parents=True)
        for i in range(COUNT):
            name = f"{i}.png" if i else "<b>&0.png"
            draw_portrait(i, kind).save(tmp_path / "in" / kind / name)
    out = tmp_path / "out"
    flags = ["--layout", "folder", "--workers", "1"]
    assert main(["prepare", str(tmp_path / "in"), str(out), *flags]) == 0
    config = Config("hats", ("hat", "plain"), input_px=64)
    save_checkpoint(tmp_path / "checkpoint", config, build_model(config).state_dict())
    return out


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["path"]: row for row in pq.read_table(folder / "manifest.parquet").to_pylist()}


def test_decisions_are_in_the_manifest_and_undone(folder: Path, tmp_path: Path) -> None:
    before = rows(folder)
    source = {path: path.read_bytes() for path in (tmp_path / "in").rglob("*.png")}
    desk = ReviewDesk(folder, tmp_path / "checkpoint")
    losses = [face.loss for face in desk.left]
    assert len(losses) == 2 * COUNT
    assert losses == sorted(losses, reverse=True)
    one, two, three = (face.path for face in desk.faces[:3])
    other = "plain" if before[two]["label"] == "hat" else "hat"
    desk.decide(one, "drop")
    desk.decide(two, other)
    shown = desk.decide(three, "keep")
    assert (shown.left, shown.decided) == (2 * COUNT - 3, 3)
    after = rows(folder)
    assert (after[one]["row"], after[one]["reason"]) == (-1, "dropped")
    assert (after[two]["label"], after[two]["row"]) == (other, before[two]["row"])
    assert after[three] == before[three]
    assert sum(map(len, load_crops(folder, ["train", "holdout"]))) == 2 * COUNT - 1
    assert desk.decide(one, "keep").left == 2 * COUNT - 3  # decided already
    again = ReviewDesk(folder, tmp_path / "checkpoint")  # another day
    assert len(again.left) == 2 * COUNT - 3
    assert "Taken back" in again.undo().said
    again.undo()
    assert rows(folder)[two] == before[two]
    again.undo()
    assert rows(folder) == before
    assert "nothing to take back" in again.undo().said
    assert {path: path.read_bytes() for path in source} == source


def test_views_order_and_filter(folder: Path, tmp_path: Path) -> None:
    desk = ReviewDesk(folder, tmp_path / "checkpoint", folds=3)
    assert desk.ranks == list(RANKS)
    assert ReviewDesk(folder, tmp_path / "checkpoint").ranks == [HIGHEST_LOSS, UNSURE]
    for rank, best in (
        (HIGHEST_LOSS, max(desk.faces, key=lambda face: face.loss)),
        (UNSURE, min(desk.faces, key=lambda face: face.probability)),
        (OUT_OF_SAMPLE, max(desk.faces, key=lambda face: face.out_of_sample or 0)),
    ):
        assert desk.show("", View(rank)).path == best.path
    only = View(UNSURE, "hat")
    seen = []
    while (shown := desk.show("", only)).path:
        seen.append(shown.path)
        assert shown.label == "hat"
        desk.decide(shown.path, "keep", only)
    assert len(seen) == COUNT
    assert desk.show("", only).left == COUNT
    assert desk.undo(only).path == seen[-1]


def test_near_copies_stand_side_by_side(
    tmp_path: Path, draw_portrait: Callable[..., Image.Image]
) -> None:
    """One picture with another border is no copy of it for prepare, but its face looks the same."""
    for kind in ("plain", "hat"):
        (tmp_path / "in" / kind).mkdir(parents=True)
        for i in range(4):
            draw_portrait(i, kind).save(tmp_path / "in" / kind / f"{i}.png")
    wide = Image.new("RGB", (320, 240), (30, 60, 90))
    wide.paste(draw_portrait(0, "hat"), (120, 60))
    wide.save(tmp_path / "in" / "plain" / "wide.png")
    draw_portrait(1, "hat").save(tmp_path / "in" / "hat" / "again.jpg", quality=80)
    out = tmp_path / "out"
    flags = ["--layout", "folder", "--workers", "1"]
    assert main(["prepare", str(tmp_path / "in"), str(out), *flags]) == 0
    config = Config("hats", ("hat", "plain"), input_px=64)
    save_checkpoint(tmp_path / "checkpoint", config, build_model(config).state_dict())
    desk = ReviewDesk(out, tmp_path / "checkpoint")
    paths = {face.row: face.path for face in desk.faces}
    alike = {face.path: {paths[row] for row in face.alike} for face in desk.faces}
    assert "plain/wide.png" in alike["hat/0.png"]
    assert all(one in alike[other] for one, others in alike.items() for other in others)
    assert not all(alike.values())
    assert {f.path: f.left_out for f in desk.faces if f.left_out} in (
        {"hat/1.png": ("hat/again.jpg (hat)",)},
        {"hat/again.jpg": ("hat/1.png (hat)",)},
    )
    shown = desk.show("", first="hat/0.png")
    assert ("plain/wide.png", "plain") in [(one.path, one.label) for one in shown.alike]


def test_losses_out_of_sample_find_what_was_learnt_by_heart() -> None:
    """Wrong labels stand out although each face has a feature of its own to remember it by."""
    random = np.random.default_rng(5)
    count, wrong = 300, 24
    truth = random.integers(0, 2, count)
    features = random.normal(0, 1, (count, 64))
    features[:, :4] += 3 * (2 * truth[:, None] - 1)
    own = np.eye(count) * 16  # as an overfitted network has
    labels = truth.copy()
    flipped = random.choice(count, wrong, replace=False)
    labels[flipped] = 1 - labels[flipped]
    groups = [str(i // 2) for i in range(count)]
    every = torch.from_numpy(np.hstack([features, own])).float()
    losses = np.array(out_of_sample_losses(every, [str(n) for n in labels], groups, folds=5))
    worst = set(np.argsort(-losses)[:wrong].tolist())
    assert len(worst & set(flipped.tolist())) >= wrong - 2
    # The very same face in two folds would be remembered; in one group it is not.
    twice = torch.cat([every[:, :64]] * 2)
    again = [str(n) for n in labels] * 2
    apart = out_of_sample_losses(twice, again, [str(i) for i in range(2 * count)], folds=5)
    together = out_of_sample_losses(twice, again, [str(i) for i in range(count)] * 2, folds=5)
    of_wrong = [*flipped, *(flipped + count)]
    assert np.mean(np.array(together)[of_wrong]) > np.mean(np.array(apart)[of_wrong])


def test_one_fold_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--folds 1: give 2 or more"):
        main(["review", str(folder), "--checkpoint", str(tmp_path / "checkpoint"), "--folds", "1"])


def test_prepare_again_keeps_what_was_decided(folder: Path, tmp_path: Path) -> None:
    desk = ReviewDesk(folder, tmp_path / "checkpoint")
    dropped = desk.faces[0].path
    desk.decide(dropped, "drop")
    flags = ["--layout", "folder", "--workers", "1"]
    assert main(["prepare", str(tmp_path / "in"), str(folder), *flags]) == 0
    assert rows(folder)[dropped]["reason"] == "dropped"
    ReviewDesk(folder, tmp_path / "checkpoint").undo()
    assert rows(folder)[dropped]["reason"] == "face"


def test_wrong_folders_are_told(folder: Path, tmp_path: Path, tiny: dict[str, Path]) -> None:
    for data, checkpoint, said in (
        (tmp_path, tmp_path / "checkpoint", "was not written by python -m train prepare"),
        (folder, tiny["checkpoint"], "knows female, male, the data also hat, plain"),
        (folder, tmp_path / "nowhere", "There is no checkpoint folder"),
    ):
        with pytest.raises(SystemExit, match=said):
            main(["review", str(data), "--checkpoint", str(checkpoint)])


@pytest.fixture
def review_url(folder: Path, tmp_path: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "train", "review", str(folder), "--port", str(free_port())]
    server = subprocess.Popen(
        [*command, "--checkpoint", str(tmp_path / "checkpoint")],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    line = server.stdout.readline()
    yield line.split()[2]
    server.send_signal(signal.SIGINT)
    assert server.wait(30) == 0
    server.stdout.close()


def test_clicks_and_keys(folder: Path, review_url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=list(CHROMIUM_FLAGS)
        )
        page = browser.new_page()
        page.goto(review_url)
        expect.set_options(timeout=60_000)
        face = page.locator("#review-face")
        expect(face).to_have_attribute("data-left", str(2 * COUNT))
        first = face.get_attribute("data-path")
        assert first
        page.locator("#review-drop").click()
        expect(face).to_have_attribute("data-left", str(2 * COUNT - 1))
        assert rows(folder)[first]["reason"] == "dropped"
        second = face.get_attribute("data-path")
        assert second
        page.keyboard.press("2")
        expect(face).to_have_attribute("data-left", str(2 * COUNT - 2))
        assert rows(folder)[second]["label"] == "plain"
        page.keyboard.press("k")
        expect(face).to_have_attribute("data-left", str(2 * COUNT - 3))
        for left in range(2 * COUNT - 2, 2 * COUNT + 1):
            page.keyboard.press("u")
            expect(face).to_have_attribute("data-left", str(left))
        assert face.get_attribute("data-path") == first
        for name, labels in (("plain", {"plain"}), ("every class", {"plain", "hat"})):
            page.locator("#review-class input").click()
            page.get_by_role("option", name=name).click()
            expect(face).to_have_attribute("data-label", re.compile("|".join(labels)))
        page.locator("#review-rank input").click()
        page.get_by_role("option", name=UNSURE).click()
        unsure = min(ReviewDesk(folder, folder.parent / "checkpoint").faces, key=RANKS[UNSURE])
        expect(face).to_have_attribute("data-path", html.escape(unsure.path))
        browser.close()
    lines = (folder / "review.jsonl").read_text()
    assert [json.loads(line) for line in lines.splitlines()] == []
