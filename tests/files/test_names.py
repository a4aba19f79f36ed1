"""Names as people have them become names that every terminal and file system takes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gender_demo.files.names import (
    JOINERS,
    MAX_STEM_BYTES,
    annotated_name,
    free_name,
    is_hidden,
    name_key,
    printable,
)

ANY_TEXT = st.text(st.characters(), max_size=300)  # lone surrogates too, as fsdecode makes them
MARKS = st.text(st.sampled_from("aᾳ\u0301\u0308\u0323åßſǆİı\u212aΣς가ﬁ"), max_size=6)
RESERVED = ("con", "prn", "aux", "nul", "com1", "lpt9")


def test_annotated_names() -> None:
    assert annotated_name("holiday/a.b.png") == "a.b-annotated.jpg"
    assert annotated_name("a.png", 3) == "a-annotated-3.jpg"
    assert annotated_name("a.png", 2, "face1.png") == "a-face1-2.png"
    assert "/" not in annotated_name("..")


@given(ANY_TEXT, st.integers(1, 999))
def test_an_annotated_name_can_be_written_anywhere(name: str, number: int) -> None:
    made = annotated_name(name, number)
    assert len(made.encode()) <= MAX_STEM_BYTES + len("-annotated-999.jpg") + 1
    assert not any(is_hidden(c) or c in '<>:"/\\|?*' for c in made)
    assert made.endswith(".jpg")
    assert made.split(".", maxsplit=1)[0].lower() not in RESERVED


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "😀" * 70 + ".png", "ﷺ" * 99, "CON.a.jpg",
                                  'a"b<c>.jpg', "COM¹.x.jpg",
                                  "con .x.jpg", "CONIN$.a.b", "..jpg", "com1.x.png",
                                  "a\tb\nc.jpg"])  # fmt: skip
def test_difficult_names_are_written(name: str, tmp_path: Path) -> None:
    (tmp_path / annotated_name(name)).write_bytes(b"x")
    (tmp_path / annotated_name(name, 27)).write_bytes(b"y")
    assert len(list(tmp_path.iterdir())) == 2


@given(st.lists(st.sampled_from(["A.JPG", "a.jpg", "a.png", "Ä.jpg", "A\u0308.jpg", "ä.JPG",
                                 "STRASSE.jpg", "straße.jpg", "b.jpg"]), max_size=9))  # fmt: skip
def test_names_differ_where_case_and_composition_do_not_count(names: list[str]) -> None:
    taken: set[str] = set()
    for name in names:
        free = free_name(name, taken)
        assert name_key(free) not in taken
        taken.add(name_key(free))
    assert len(taken) == len(names)


@given(MARKS, st.sampled_from(["NFC", "NFD"]), st.sampled_from([str, str.upper, str.lower]))
def test_composition_never_makes_two_names(
    name: str, form: Literal["NFC", "NFD"], case: Callable[[str], str]
) -> None:
    assert name_key(unicodedata.normalize(form, name)) == name_key(name)
    folded = unicodedata.normalize("NFD", name).casefold()
    if unicodedata.normalize("NFD", case(name)).casefold() == folded:
        assert name_key(case(name)) == name_key(name)


@pytest.mark.parametrize("name", ["CON.a.jpg", "nul .b.c", "LPT².x.png", "conout$.y.z", "COM7.1.2"])
def test_names_of_devices_get_a_letter_before_them(name: str) -> None:
    assert annotated_name(name).startswith("_")


@given(ANY_TEXT)
def test_what_is_printed_is_spelled_and_moves_no_cursor(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert "\u202e" not in shown
    assert all(c in JOINERS or unicodedata.category(c)[0] != "C" or
               unicodedata.category(c) in ("Cn", "Co") for c in shown)  # fmt: skip
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain ünïcødé 写真 👩\u200d🚀.jpg", "plain ünïcødé 写真 👩\u200d🚀.jpg"),
        ("9.41.00\u202fAM.png", "9.41.00\u202fAM.png"),
        ("\x1b[2J\x1b]0;owned\x07.jpg", "\\x1b[2J\\x1b]0;owned\\x07.jpg"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("a\u2066b\u2069.jpg", "a\\u2066b\\u2069.jpg"),
        ("M\udcfcller.jpg", "M\\udcfcller.jpg"),
        ("a\r\nb\x85c\u2028d.jpg", "a\\r\\nb\\x85c\\u2028d.jpg"),
    ],
)
def test_what_a_terminal_would_act_on_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown
