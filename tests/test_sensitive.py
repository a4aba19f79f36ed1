"""Labels of what a face does not show are refused, for what they are and in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import app
from gender_demo.__main__ import main
from gender_demo.errors import CheckpointError
from gender_demo.sensitive import sensitive_kind, why_refused
from gender_demo.vision.preflight import check_labels
from tests.support.server import free_port


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("race or origin", "Asian|middle_eastern|Black|white women|EastAsian|not caucasian|Latinos|"
                           "dark-skinned|black people|Roma|ethnicity_3"),
        ("religion", "muslim|Jewish|not christian|hindus|religious|Sikh men|atheist"),
        ("health", "healthy|autistic|Down syndrome|disabled person|pregnant|patients|obese"),
        ("sexual orientation or gender identity",
         "gay|LESBIAN|heterosexual man|queer|transgender|non-binary"),
        ("politics", "liberal|Republicans|left-wing|communist|political|far_right_extremist"),
        ("emotions", "angry|happy_face|Sad|disgusted|fear|surprise|not afraid|stressed"),
    ],
)  # fmt: skip
def test_refused(kind: str, labels: str) -> None:
    assert {label: sensitive_kind(label) for label in labels.split("|")} == dict.fromkeys(
        labels.split("|"), kind
    )


@pytest.mark.parametrize(
    "label",
    [
        "female", "male", "glasses", "no_glasses", "hat", "black hat", "white_hair", "Black Hair",
        "brown eyes", "young", "old", "smiling", "not smiling", "mask", "left", "right", "frontal",
        "blond", "beard", "0", "1", "", "straight hair", "light", "dark", "blurry", "down",
        "unfair",
        "Christina", "Blackwell", "pained", "valid", "invalid", "man", "women", "person", "parties",
    ],
)  # fmt: skip
def test_not_refused(label: str) -> None:
    assert sensitive_kind(label) is None


def test_one_sentence_says_which_and_what_to_do() -> None:
    assert why_refused(["female", "male"]) is None
    said = why_refused(["muslim", "other", "sad"])
    assert said is not None
    assert said.startswith("The labels muslim, sad sort people by religion, emotions, which")
    assert "--allow-sensitive-labels" in said
    assert ". " not in said
    assert str(why_refused(["gay", "x"])).startswith("The label gay sorts people by sexual")


@pytest.fixture
def sad(tmp_path: Path) -> Path:
    """A checkpoint that would sort people by their moods."""
    (tmp_path / "config.json").write_text(json.dumps({"name": "x", "classes": ["sad", "other"]}))
    (tmp_path / "model.safetensors").touch()
    return tmp_path


@pytest.mark.parametrize("command", ["app", "predict", "explain", "video"])
def test_a_checkpoint_with_such_labels_is_not_served(
    sad: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--checkpoint", str(sad)]
    more = ["--out", str(sad / "out")] if command == "video" else []
    code = (
        app.main([*flags, "--port", str(free_port())])
        if command == "app"
        else main([command, "x.jpg", *more, *flags])
    )
    assert code == 2
    assert capsys.readouterr().err.startswith("The label sad sorts people by emotions")


def test_a_checkpoint_with_such_labels_may_be_allowed(sad: Path) -> None:
    check_labels(sad, allowed=True)
    for damaged in ('{"classes": 3}', "[]", "{", '{"classes": [["sad"]]}', "[" * 100_000):
        (sad / "config.json").write_text(damaged)
        check_labels(sad, allowed=False)  # what is wrong with it is said when it is loaded
    (sad / "config.json").write_text('{"classes": ["nun", "other"]}')
    with pytest.raises(CheckpointError, match="sorts people by religion"):
        check_labels(sad, allowed=False)
