"""Labels of what a face does not show are refused, for what they are and in one sentence."""

from __future__ import annotations

import pytest

from gender_demo.sensitive import sensitive_kind, why_refused


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
