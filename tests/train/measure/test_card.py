"""The card says what config and audit say, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from gender_demo.audit.report import report
from gender_demo.audit.schema import Audit
from gender_demo.audit.wording import NO_AUDIT
from gender_demo.vision.checkpoint import load_checkpoint
from train.__main__ import main
from train.measure.card import card

SECTIONS = (
    "Model details",
    "Intended use",
    "Out of scope",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
)
"""Mitchell et al. 2019, section 4."""


def test_every_figure_of_every_table_stands_in_the_card(
    audited: Audit, tiny: dict[str, Path]
) -> None:
    checkpoint = load_checkpoint(tiny["checkpoint"])
    text = card(checkpoint)
    shown = report(audited, checkpoint.config)
    assert shown.tables
    for table in shown.tables:
        section = text.split(f"### {table.title}\n")[1].split("\n### ")[0]
        lines = [line for line in section.splitlines() if line.startswith("| ")]
        assert len(lines) == 2 + len(table.rows)
        for line, row in zip(lines[2:], table.rows, strict=True):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            assert cells == ["–" if value in (None, "") else str(value) for value in row]
    assert all(sentence in text for sentence in shown.sentences)
    assert all(f"## {section}\n" in text for section in SECTIONS)
    for group in ("trans and non-binary people", "head coverings", "disabilities"):
        assert group in text.split("**Not evaluated:**")[1].split("\n")[0]


def test_the_hub_reads_the_metadata(audited: Audit, tiny: dict[str, Path]) -> None:
    data: Any = ModelCard(card(load_checkpoint(tiny["checkpoint"]))).data
    assert data.license == "cc-by-4.0"
    given = {
        result.dataset_name: result.metric_value
        for result in data.eval_results
        if result.metric_name == "accuracy_given"
    }
    for measured in audited.sets:
        assert given[measured.name] == measured.all.accuracy


def test_the_same_checkpoint_gives_the_same_card(audited: Audit, tiny: dict[str, Path]) -> None:
    for _ in range(2):
        assert main(["card", str(tiny["checkpoint"])]) == 0
        written = (tiny["checkpoint"] / "README.md").read_text(encoding="utf-8")
        assert written == card(load_checkpoint(tiny["checkpoint"]))


def test_without_an_audit_the_card_has_no_figures(tiny: dict[str, Path], tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((tiny["checkpoint"] / name).read_bytes())
    text = card(load_checkpoint(tmp_path))
    assert NO_AUDIT in text.split("## Quantitative analyses")[1]
    assert "model-index" not in text


def test_a_doubt_that_is_all_zero_is_not_called_one() -> None:
    shipped = load_checkpoint()
    outputs = {0: "One more output makes it less sure", 1: "Two more outputs make it less sure"}
    for value, said in outputs.items():
        weight = shipped.state["fc.weight"].clone()
        weight[len(shipped.config.classes)] = value
        assert said in card(replace(shipped, state={**shipped.state, "fc.weight": weight}))


def test_a_missing_checkpoint_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no checkpoint folder"):
        main(["card", str(tmp_path / "none")])
