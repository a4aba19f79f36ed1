"""The reader of tables: as programs write them, with paths as people have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gender_demo.errors import LayoutError
from tests.support.trees import png, read_records, write_tree
from train.data.readers import factory


def test_csv(tmp_path: Path) -> None:
    write_tree(tmp_path, "a.png", "deep/b.png")
    table = tmp_path / "labels.csv"
    table.write_text("path,label,split,identity,hair\na.png,x,train,7,long\nb.png,y,test,,short\n"
                     "gone.png,y,,,\n")  # fmt: skip
    for source in (table, tmp_path):
        records = read_records("csv", source) if source == tmp_path else factory.read_records(
            "csv", source, scratch=tmp_path
        ).records  # fmt: skip
        assert [(r.path, r.label, r.split, r.identity, r.groups) for r in records[:2]] == [
            ("a.png", "x", "train", "7", {"hair": "long"}),
            ("b.png", "y", "test", None, {"hair": "short"}),
        ]
        assert records[2].content is None


TABLE = "path,label\na.png,x\nÄ/b.png,y\n"


@pytest.mark.parametrize(
    "raw",
    [
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("utf-16-le"),
        TABLE.encode("utf-16-be"),
        TABLE.encode("utf-32"),
        TABLE.encode("latin-1"),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode("utf-16"),
        TABLE.replace(",", "|").encode(),
        TABLE.replace("\n", "\r\n").encode("cp1252"),
        TABLE.replace("\n", "\r").encode(),
        TABLE.encode() + bytes(7),
        b"\n\n" + TABLE.encode() + b",\n",
        b"sep=;\r\n" + TABLE.replace(",", ";").encode(),
        TABLE.replace("path,label", " Image Path , CLASS_NAME ").encode(),
        TABLE.replace("path,label", "Filename,Target").encode(),
        TABLE.replace("path,label", "img,y").encode(),
        b'"path","label"\n"a.png"," x "\n"' + "Ä\\b.png".encode() + b'","y"\n',
        TABLE.replace("Ä", "A\u0308").encode(),
        TABLE.replace("Ä/b.png", "./ä/B.PNG").encode(),
        TABLE.replace(".png", "").encode(),
        "'path','label'\n'a.png','x'\n'Ä/b.png','y'\n".encode(),
        "'path';'label'\n'a.png';'x'\n'Ä/b.png';'y'\n".encode("utf-16"),
        ",path,label\n0,a.png,x\n1,Ä/b.png,y\n".encode(),  # pandas' index
        "path,,label,\na.png,7,x,\nÄ/b.png,8,y,9\n".encode(),
        b"path,label\na.png,x\n%C3%84/b.png,y\n",
        "path,label\n'a.png,x\n'Ä/b.png,y\n".encode(),  # a spreadsheet's mark of text
        f"path,label,picture\na.png,x,{'Q' * 200_000}\nÄ/b.png,y,\n".encode(),
        TABLE.replace("\n", "\r\n").encode("utf-16-be"),
        TABLE.replace("b.png,y", "b\0.png,y\0").encode(),
        (TABLE + TABLE).encode(),  # two tables in one
        TABLE.replace("a.png", "path,label\na.png").encode(),
        "| path | label |\n|:-----|-----:|\n| a.png | x |\n| Ä/b.png | y |\n".encode(),
        TABLE.replace("a.png,x", "\ufeffa.png\u200b,\u200ex\u00a0").encode(),
        TABLE.replace("a.png", "a.png?v=2").replace("b.png", "b.png#top").encode(),
        'path,label\n"""a.png""",x\n“Ä/b.png”,y\n'.encode(),
        TABLE.replace("path,label", "img_name,category_id").encode(),
        TABLE.replace("path,label", "Absolute Path,Target Name").encode(),
    ],
)
def test_tables_as_programs_write_them(tmp_path: Path, raw: bytes) -> None:
    write_tree(tmp_path, "a.png", "Ä/b.png")
    (tmp_path / "labels.csv").write_bytes(raw)
    records = read_records("csv", tmp_path)
    assert [(record.label, record.content) for record in records] == [
        ("x", tmp_path / "a.png"),
        ("y", tmp_path / "Ä" / "b.png"),
    ]


def test_paths_as_addresses_and_below_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_tree(tmp_path, "my set/a b.png", "c.png", "D/e.png", "set/f%20g.png")
    lines = [f"file://{tmp_path}/my%20set/a%20b.png,x", "~/c.png,y", "file:///D:/x/D/e.png,x",
             "f%20g.png,y", "https://example.org/c.png,x", "~nobody-here/c.png,y"]  # fmt: skip
    (tmp_path / "set" / "l.csv").write_text("path,label\n" + "\n".join(lines))
    (tmp_path / "set" / "e.png").write_bytes(png())
    reading = factory.read_records("csv", tmp_path / "set" / "l.csv", scratch=tmp_path / "s")
    assert [record.content for record in reading.records] == [
        tmp_path / "my set" / "a b.png", tmp_path / "c.png", tmp_path / "set" / "e.png",
        tmp_path / "set" / "f%20g.png", None, None,
    ]  # fmt: skip


def test_a_table_in_a_doubtful_encoding_is_told(tmp_path: Path) -> None:
    write_tree(tmp_path, "a.png", "b.png")
    (tmp_path / "l.csv").write_bytes("path,label\na.png,муж\nb.png,жен\n".encode("cp1251"))
    notes = factory.read_records("csv", tmp_path, scratch=tmp_path / "s").notes
    assert notes[-1] == (
        "l.csv is no UTF-8 and was read as cp1252: save it as UTF-8 if its words look wrong"
    )


def test_paths_of_this_machine_and_of_another(tmp_path: Path) -> None:
    write_tree(tmp_path, "set/man/a.png", "set/woman/a.png", "elsewhere/c.png", "set/d.png")
    lines = [
        f"{tmp_path}/set/man/a.png,x",
        "C:\\Users\\ann\\my set\\woman\\a.png,y",
        f"{tmp_path / 'elsewhere' / 'c.png'},x",
        "../elsewhere/c.png,x",
        "/home/ann/d.png,y",
        "/home/ann/a.png,y",  # two end so
        "/etc/hostname,y",
    ]
    (tmp_path / "set" / "labels.csv").write_text("path,label\n" + "\n".join(lines))
    reading = factory.read_records("csv", tmp_path / "set" / "labels.csv", scratch=tmp_path / "s")
    inside, outside = tmp_path / "set", tmp_path / "elsewhere" / "c.png"
    found = [r.content.resolve() if isinstance(r.content, Path) else None for r in reading.records]
    assert found == [
        inside / "man" / "a.png", inside / "woman" / "a.png", outside, outside,
        inside / "d.png", None, None,
    ]  # fmt: skip
    assert reading.notes[1:] == [
        "labels.csv has the columns path from path, label from label",
        "2 paths are another machine's and were found by their ends (first: "
        "C:\\Users\\ann\\my set\\woman\\a.png)",
    ]


def test_columns_are_told(tmp_path: Path) -> None:
    write_tree(tmp_path, "a.png", "b.png", "c.png")
    rows = "a.png;man;TRAIN;curly;7\nb.png;woman;;;8\nc.png;man;Testing;;\n"
    (tmp_path / "t.tsv").write_text("File Name;Sex;Usage;Hair;Person ID\n" + rows)
    reading = factory.read_records("csv", tmp_path, scratch=tmp_path / "s")
    assert [(r.label, r.split, r.groups, r.identity) for r in reading.records] == [
        ("man", "train", {"Hair": "curly"}, "7"),
        ("woman", "train", {"Hair": ""}, "8"),
        ("man", "test", {"Hair": ""}, None),
    ]
    assert reading.notes == [
        "Read as 2 classes: man 2, woman 1 (train 2, test 1)",
        "t.tsv has the columns path from File Name, label from Sex, split from Usage, identity "
        "from Person ID; only counted: Hair",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("foto,label\na.png,x\n", "labels.csv lacks the column path: it has foto, label"),
        ("path,label\na.png,x\nb.png,\n", r"1 of 2 rows .* lack a path or a label \(first: 'b"),
        ("path,label\na.png,x\na.png,y\n", r"1 pictures .* two labels \(first: a.png as x and y"),
        ("path,label,split\na.png,x,trian\n", "unknown splits: 1 x 'trian'"),
        ("path,label\na.png,x\nb.png,x\n", r"one class only, x \(2\)"),
        ("path,label\n../../etc/passwd,x\n/etc/passwd,y\n", "None of the 2 pictures is there"),
        ("path,label\n", "no labelled pictures"),
        ("a.png,x\nb.png,y\n", "has a.png, x; its first line must name the columns"),
        ("path label\na.png x\nb.png y\n", "with comma, semicolon, tab or bar between them"),
        ("", "labels.csv is empty: write a line for each picture"),
        ("\ufeff", "labels.csv is empty: write a line for each picture"),
        ("path,label,label\na.png,x,X\nb.png,y,Y\n", "has two columns label: rename one"),
        ("path,label\na.png,x\nb.png,X\n", "Labels clash: x 1, X 1 differ only in case"),
        ("path,label\na.png,é\nb.png,e\u0301\n", "Labels clash: .* the way accents are written"),
        ("path,label\na.png,x\nb.png,NaN\n", r"1 of 2 rows .* \(first: 'b.png'\): fill or delete"),
        ('path,label\n"a.png,x\n' + "b.png,y\n" * 999, r"first: 'a\.png,x.{,90}: fill or delete"),
        ("path,label\na.png,0\nb.png,0.0\n", "Labels clash: 0 1, 0.0 1 differ only in .* zeros"),
        ("path,label\na.png,01\nb.png,1\n", "Labels clash: 01 1, 1 1 differ only in"),
        ("path,label\na.png,N/A\nb.png,<NA>\nc.png,null\n", "3 of 3 rows"),
        ("path,label\na.png,?\nb.png,-\nc.png,x\n", r"2 of 3 rows .* \(first: 'a.png'\)"),
        ("path,label\nhttp://a/a.png,x\nhttp://a/b.png,y\n", "or put the pictures below it"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, said: str) -> None:
    write_tree(tmp_path, "a.png", "b.png")
    (tmp_path / "labels.csv").write_text(text, "utf-8")
    with pytest.raises(LayoutError, match=said):
        read_records("csv", tmp_path)


@pytest.mark.parametrize("name", ["l.xlsx", "L.XLS", "l.ods", "l.numbers"])
def test_workbooks_are_told(tmp_path: Path, name: str) -> None:
    write_tree(tmp_path, "a.png", "b.png")
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    for source in (tmp_path, tmp_path / name):
        with pytest.raises(LayoutError, match=f"{name} is a workbook: save it as CSV"):
            factory.read_records("csv", source, scratch=tmp_path / "s")


@pytest.mark.parametrize("name", ["s.rar", "s.7z", "s.tar.zst", "s.csv.gz", "S.DMG", "a.png"])
def test_the_folder_of_a_file_is_not_read_in_its_place(tmp_path: Path, name: str) -> None:
    write_tree(tmp_path, "man/a.png", "woman/b.png")
    (tmp_path / name).write_bytes(b"Rar!")
    said = "is one file: give the folder" if name == "a.png" else "is packed in a way .* unpack it"
    with pytest.raises(LayoutError, match=said):
        factory.read_records("folder", tmp_path / name, scratch=tmp_path / "s")
