"""Whatever names and cells there are: tables come back as they were written, names stay inside."""

from __future__ import annotations

import csv
import io
import posixpath
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gender_demo.errors import LayoutError
from gender_demo.files.ignored import is_ignored
from train.data.archives import list_archive
from train.data.readers.csv import read_table
from train.data.text import decode
from train.data.tree import read_tree

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PLAIN = st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="\x7f")
CELL = st.text(st.one_of(PLAIN, st.sampled_from(",;\t|\"' \n")), max_size=12).map(str.strip)
PARTS = ["a", "b.png", "..", ".", "", "C:", "ä", "a b", "x\\y", "\\", "@eaDir"]
NAMES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=5)


@QUICK
@given(
    rows=st.lists(st.tuples(CELL.filter(bool), CELL), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    end=st.sampled_from(["\n", "\r\n"]),
    excel=st.booleans(),
)
def test_a_table_comes_back(
    rows: list[tuple[str, str]], delimiter: str, encoding: str, end: str, excel: bool
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerows([("path", "label"), *rows])
    head = f"sep={delimiter}{end}" if excel else ""
    table = read_table(decode((head + text.getvalue()).encode(encoding)), "t.csv")
    assert table.columns == ["path", "label"]
    assert [tuple(row.values()) for row in table.rows] == rows


@QUICK
@given(st.binary(max_size=200))
def test_no_bytes_are_a_traceback(data: bytes) -> None:
    try:
        table = read_table(decode(data), "t.csv")
    except LayoutError:
        return
    assert all(set(row) <= set(table.columns) for row in table.rows)


@QUICK
@given(names=st.lists(st.tuples(NAMES, st.sampled_from("/\\")), min_size=1, max_size=5))
def test_names_in_archives_stay_inside_or_are_refused(
    names: list[tuple[list[str], str]],
) -> None:
    spelt = [mark.join(parts) for parts, mark in names]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.zip")
        with zipfile.ZipFile(path, "w") as packed:
            for i, name in enumerate(dict.fromkeys(spelt)):
                packed.writestr(zipfile.ZipInfo(name), str(i))
        leads_out = any(
            ".." in (parts := name.replace("\\", "/").split("/"))
            or name.startswith(("/", "\\"))
            or parts[0].startswith("C:")
            for name in spelt
            if not name.endswith(("/", "\\"))
        )
        if leads_out:
            with pytest.raises(LayoutError, match="lead outside"):
                list_archive(path, Path(folder))
            return
        tree = read_tree(path, Path(folder))
        for name, source in tree.files.items():
            assert posixpath.normpath(name) == name
            assert not name.startswith(("/", ".."))
            assert not is_ignored(name)
            assert source.read_bytes().isdigit()


@QUICK
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4))
def test_a_path_is_ignored_for_one_of_its_parts(parts: list[str]) -> None:
    parts = "/".join(parts).split("/")
    assert is_ignored("/".join(parts)) == any(is_ignored(part) for part in parts)
    assert is_ignored("/".join([*parts, "@EADIR", "a.png"]))
