"""Archives are read in place; those that mean harm are refused before anything is read."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from gender_demo.errors import LayoutError
from train.data.archives import Member, _open_zip
from train.data.readers.factory import read_records
from train.data.tree import read_tree

NAMES = ("set/man/a.png", "set/woman/b.png", "set/woman/c.png")


def png(shade: int = 100) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 150, 120)).save(buffer, "PNG")
    return buffer.getvalue()


def write_archive(path: Path, names: tuple[str, ...] = NAMES) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as packed:
            for i, name in enumerate(names):
                packed.writestr(name, png(i))
    else:
        ending = path.name.rpartition(".")[2].removeprefix("t")
        with tarfile.open(path, "w" if ending == "ar" else f"w:{ending}") as packed:  # type: ignore[call-overload]
            for i, name in enumerate(names):
                entry = tarfile.TarInfo(name)
                entry.size = len(png(i))
                packed.addfile(entry, io.BytesIO(png(i)))
    return path


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tgz", "tar.xz", "tar.bz2"])
def test_archives_are_read_in_place(tmp_path: Path, ending: str) -> None:
    source = write_archive(tmp_path / f"faces.{ending}")
    records = read_records("folder", source, scratch=tmp_path / "scratch").records
    assert [(record.path, record.label) for record in records] == [
        ("set/man/a.png", "man"),
        ("set/woman/b.png", "woman"),
        ("set/woman/c.png", "woman"),
    ]
    for i, record in enumerate(records):
        assert isinstance(record.content, Member)
        assert record.content.read_bytes() == png(i)
    assert not list(tmp_path.rglob("*.png"))


@pytest.mark.parametrize("ending", ["zip", "tar", "tgz"])
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("set\\man\\a.png", "set/man/a.png"),
        (".\\set\\man\\a.png", "set/man/a.png"),
        ("set\\man/a.png", "set/man/a.png"),
        ("./set/./man//a.png", "set/man/a.png"),
        ("set\\b\u00e4r\\a b.png", "set/bär/a b.png"),
    ],
)
def test_names_as_programs_write_them(tmp_path: Path, ending: str, name: str, read: str) -> None:
    tree = read_tree(write_archive(tmp_path / f"f.{ending}", (name, "x/y.png")), tmp_path / "s")
    assert list(tree.files) == [read, "x/y.png"]
    assert tree.files[read].read_bytes() == png(0)


def test_names_in_utf_8_that_do_not_say_so(tmp_path: Path) -> None:
    """As macOS packs them; old programs wrote in the code page that stays where it is none."""
    for flag, raw, read in ((0, "Bär/ü.png".encode(), "Bär/ü.png"), (0, b"B\x84r.png", "Bär.png")):
        source = write_archive(tmp_path / "a.zip", ("N" * len(raw), "b.png"))
        source.write_bytes(source.read_bytes().replace(b"N" * len(raw), raw))
        tree = read_tree(source, tmp_path / "s")
        assert list(tree.files) == [read, "b.png"]
        assert tree.files[read].read_bytes() == png(flag)
        source.unlink()
        _open_zip.cache_clear()


@pytest.mark.parametrize(
    ("made", "named"),
    [("tar", "f.tar.gz"), ("tar", "f.zip"), ("tar.gz", "f.tar"), ("zip", "f.tgz"),
     ("tar.xz", "f.tar.bz2"), ("tar.bz2", "f.ZIP")],
)  # fmt: skip
def test_what_an_archive_is_its_bytes_decide(tmp_path: Path, made: str, named: str) -> None:
    source = write_archive(tmp_path / f"a.{made}").rename(tmp_path / named)
    tree = read_tree(source, tmp_path / "s")
    assert [one.read_bytes() for one in tree.files.values()] == [png(0), png(1), png(2)]


@pytest.mark.parametrize(
    ("made", "named"),
    [("zip", "f.zip.001"), ("tar.gz", "faces"), ("tar.bz2", "f.tbz"), ("tar", "f.part"),
     ("tar.xz", "f.tar.xz.download"), ("zip", "faces (1).ZIP.crdownload")],
)  # fmt: skip
def test_an_archive_under_a_name_that_says_nothing_of_it(
    tmp_path: Path, made: str, named: str
) -> None:
    """Beside one that means harm, which is none of its business."""
    source = write_archive(tmp_path / f"a.{made}").rename(tmp_path / named)
    write_archive(tmp_path / "evil.zip", ("../a.png",))
    records = read_records("folder", source, scratch=tmp_path / "s").records
    assert [record.label for record in records] == ["man", "woman", "woman"]


def test_a_zip_behind_a_program_that_unpacks_it(tmp_path: Path) -> None:
    source = write_archive(tmp_path / "a.zip")
    source.write_bytes(b"MZ" + bytes(3000) + source.read_bytes())
    assert len(read_tree(source, tmp_path / "s").files) == 3


def test_archives_in_an_archive_are_told(tmp_path: Path) -> None:
    inner = write_archive(tmp_path / "a.zip").read_bytes()
    for i, names in enumerate([("in.zip",), ("man.tar.gz", "woman.tgz"), ("x/faces.7z", "a.txt"),
                               ("b.rar", "__MACOSX/a.png"), ("c.tar.zst", "l.csv"),
                               ("d.tar.Z",)]):  # fmt: skip
        with zipfile.ZipFile(tmp_path / f"{i}.zip", "w") as packed:
            for name in names:
                packed.writestr(name, inner)
        with pytest.raises(LayoutError, match=f"{i}.zip holds archives and no pictures .first: "):
            read_tree(tmp_path / f"{i}.zip", tmp_path / "s")


def test_a_packing_method_of_other_programs_is_told(tmp_path: Path) -> None:
    source = write_archive(tmp_path / "a.zip")
    raw = bytearray(source.read_bytes())
    at = raw.find(b"PK\x01\x02")
    raw[at + 10] = 9  # Windows' own for large files
    source.write_bytes(raw)
    with pytest.raises(LayoutError, match=r"packed by a method .* \(number 9\): unpack it"):
        read_tree(source, tmp_path / "s")


def test_a_bit_of_another_value_is_told(tmp_path: Path) -> None:
    """Each of the first bytes of the index, one after the other: no program's error is shown."""
    source = write_archive(tmp_path / "a.zip")
    raw = source.read_bytes()
    at = raw.find(b"PK\x01\x02")
    told = 0
    for place in range(46):
        damaged = bytearray(raw)
        damaged[at + place] ^= 0x54
        (tmp_path / f"{place}.zip").write_bytes(damaged)
        try:
            read_tree(tmp_path / f"{place}.zip", tmp_path / "s")
        except LayoutError:
            told += 1
    assert told > 10
    with pytest.raises(LayoutError, match=r"6\.zip is broken \(zip file version"):
        read_tree(tmp_path / "6.zip", tmp_path / "s")
    for place in range(40):  # before a file's own bytes; 6 to 9 say how its name is written
        damaged = bytearray(raw)
        damaged[place], damaged[7], damaged[30] = damaged[place] ^ 0x54, 8, 0xFF
        (tmp_path / f"{place}.zip").write_bytes(damaged)
        _open_zip.cache_clear()
        files = read_tree(tmp_path / f"{place}.zip", tmp_path / "s").files
        with pytest.raises(OSError, match=r"set/man/a\.png in \d+\.zip: "):
            files["set/man/a.png"].read_bytes()


@pytest.mark.parametrize(
    "pair",
    [("m/A.PNG", "m/a.png"), ("m/é.png", "m/e\u0301.png"), ("m/CON.png", "m/NUL.png"),
     ("m/a .png", "m/a.png"), ("m./a.png", "m/a.png")],
)  # fmt: skip
def test_names_that_other_disks_take_for_one_are_two(tmp_path: Path, pair: tuple[str, str]) -> None:
    tree = read_tree(write_archive(tmp_path / "a.zip", pair), tmp_path / "s")
    assert {name: source.read_bytes() for name, source in tree.files.items()} == {
        pair[0]: png(0), pair[1]: png(1)
    }  # fmt: skip


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE,
                                  tarfile.BLKTYPE, tarfile.CONTTYPE])  # fmt: skip
def test_special_files_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as packed:
        entry = tarfile.TarInfo("man/a.png")
        entry.type, entry.linkname = kind, "man/b.png"
        packed.addfile(entry)
    if kind == tarfile.CONTTYPE:  # an ordinary file on all systems of today
        assert list(read_tree(tmp_path / "a.tar", tmp_path / "s").files) == ["man/a.png"]
        return
    with pytest.raises(LayoutError, match="1 links or special files"):
        read_tree(tmp_path / "a.tar", tmp_path / "s")


def test_archives_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    for i, label in enumerate(("man", "woman")):
        (tmp_path / label).mkdir()
        write_archive(tmp_path / label / "faces.tar.gz", tuple(f"{n}.png" for n in range(i + 1)))
    tree = read_tree(tmp_path, tmp_path / "scratch")
    assert [source.read_bytes() for source in tree.files.values()] == [png(0), png(0), png(1)]


def test_archives_in_a_folder_are_folders(tmp_path: Path) -> None:
    write_archive(tmp_path / "img_align_celeba.zip", ("img_align_celeba/000001.jpg",))
    (tmp_path / "list.txt").write_text("hello")
    tree = read_tree(tmp_path, tmp_path / "scratch")
    assert list(tree.files) == ["img_align_celeba/img_align_celeba/000001.jpg", "list.txt"]
    assert tree.find("000001.jpg") is not None
    assert tree.find("../list.txt") is None
    assert tree.text("list.txt") == "hello"


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize(
    "name",
    [
        "../../evil.png",
        "/etc/evil.png",
        "C:\\evil.png",
        "a\\..\\b.png",
        "\\\\server\\a.png",
        "./../a.png",
        "a/b\\../../c.png",
        "d:a.png",
        "\\a.png",
        "man/..",
    ],
)
def test_names_that_lead_outside_are_refused(tmp_path: Path, ending: str, name: str) -> None:
    source = write_archive(tmp_path / f"faces.{ending}", (*NAMES, name))
    with pytest.raises(LayoutError, match="1 names that lead outside it"):
        read_tree(source, tmp_path / "scratch")


def test_links_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as packed:
        link = tarfile.TarInfo("man/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as zipped:
        entry = zipfile.ZipInfo("man/link.png")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(entry, "/etc/passwd")
    for name in ("a.tar", "b.zip"):
        with pytest.raises(LayoutError, match="1 links or special files"):
            read_tree(tmp_path / name, tmp_path / "scratch")


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.data.archives.ALWAYS_FINE", 1_000_000)
    zeros = bytes(4_000_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("man/a.png", zeros)
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as packed:
        entry = tarfile.TarInfo("man/a.png")
        entry.size = len(zeros)
        packed.addfile(entry, io.BytesIO(zeros))
    for name in ("a.zip", "b.tar.gz"):
        with pytest.raises(LayoutError, match=f"{name} would grow from"):
            read_tree(tmp_path / name, tmp_path / "scratch")
    assert not list((tmp_path / "scratch").glob("*"))


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tar.xz"])
@pytest.mark.parametrize("harm", ["cut", "nonsense"])
def test_broken_archives_are_told(tmp_path: Path, ending: str, harm: str) -> None:
    source = write_archive(tmp_path / f"faces.{ending}")
    raw = source.read_bytes()
    source.write_bytes(raw[: len(raw) // 4] if harm == "cut" else b"no archive" * 100)
    with pytest.raises(LayoutError, match=r"is broken .*: fetch or pack it again"):
        read_tree(source, tmp_path / "scratch")
