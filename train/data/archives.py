"""A folder, a zip or a tar as one tree of files, read in place: nothing is ever unpacked.

Archives that lie in a folder are shown as folders of their name. A compressed tar has no index, so
it is inflated once (not unpacked) into a scratch folder. Names that lead outside an archive, links
and contents out of all proportion to the archive's size are refused before anything is read.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Any

from gender_demo.errors import LayoutError
from gender_demo.vision.pictures import (
    MAX_BYTES,
    clean_name,
)

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
MOST_GROWTH, ALWAYS_FINE = 100, 50_000_000
"""An archive may hold so many times its own size, or so many bytes in any case."""
IGNORED = re.compile(r"(^|/)(\.|__MACOSX(/|$)|Thumbs\.db$|desktop\.ini$)")
OUTSIDE = re.compile(r"^([/\\]|[A-Za-z]:)|(^|[/\\])\.\.([/\\]|$)")
BROKEN = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True)
class Member:
    """One file in an archive; ``at`` is where its bytes start in a tar, -1 in a zip."""

    archive: Path
    name: str
    size: int
    at: int = -1

    def read_bytes(self) -> bytes:
        """Its bytes, MAX_BYTES + 1 at most; OSError where the archive is damaged here."""
        most = min(self.size, MAX_BYTES + 1)
        try:
            if self.at < 0:
                with _open_zip(self.archive).open(self.name) as stream:
                    return stream.read(most)
            with self.archive.open("rb") as file:
                file.seek(self.at)
                return file.read(most)
        except (*BROKEN, RuntimeError, NotImplementedError) as error:
            raise OSError(f"{self.name} in {self.archive.name}: {error}") from error


Source = Path | Member


@dataclass(frozen=True)
class Tree:
    """``files`` by their "/" names, sorted; ``folders`` has every folder's name, empty ones too."""

    root: Path
    files: dict[str, Source]
    folders: frozenset[str]

    def find(self, name: str, within: str = "") -> Source | None:
        """The file of this name, at the top or in any folder; of several the first by name.

        ``within``: what the folder's path must hold.
        """
        wanted = PurePosixPath(name.replace("\\", "/"))
        if not within and (exact := self.files.get(str(wanted))) is not None:
            return exact
        for path in self._by_name.get(wanted.name, ()):
            if path.endswith(f"/{wanted}") and within in path:
                return self.files[path]
        return None

    @property
    def _by_name(self) -> dict[str, list[str]]:
        return _index(tuple(self.files))

    def text(self, name: str) -> str | None:
        """A text file's content, found as ``find`` does; None where there is none."""
        source = self.find(name)
        if source is None:
            return None
        return source.read_bytes().decode("utf-8-sig", errors="replace")


@lru_cache(maxsize=4)
def _index(names: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.rpartition("/")[2], []).append(name)
    return found


def read_tree(source: Path, scratch: Path) -> Tree:
    """List a folder, an archive, or the folder that one file (a CSV) lies in."""
    if source.is_dir():
        files, folders = _list_folder(source, scratch)
    elif is_archive(source):
        files, folders = _list_archive(source, scratch), set()
    elif source.is_file():
        return replace(read_tree(source.parent, scratch), root=source)
    else:
        raise LayoutError(f"There is nothing at {source}: give the folder or archive of pictures")
    for name in files:
        folders.update(str(parent) for parent in PurePosixPath(name).parents)
    return Tree(source, dict(sorted(files.items())), frozenset(folders - {"."}))


def is_archive(path: Path) -> bool:
    """Whether the name ends as an archive's does."""
    return path.name.lower().endswith(ENDINGS)


def _list_folder(source: Path, scratch: Path) -> tuple[dict[str, Source], set[str]]:
    files: dict[str, Source] = {}
    folders: set[str] = set()
    for where, inner, names in os.walk(source):
        below = Path(where).relative_to(source).as_posix()
        before = "" if below == "." else below + "/"
        inner[:] = sorted(name for name in inner if not IGNORED.search(name))
        folders.update(before + name for name in inner)
        for name in sorted(names):
            path = Path(where, name)
            if IGNORED.search(name):
                continue
            if not is_archive(path):
                files[before + name] = path
            elif (stem := _stem(name)) not in inner:  # else it has been unpacked beside
                for member, content in _list_archive(path, scratch).items():
                    files[f"{before}{stem}/{member}"] = content
    return files, folders


def _stem(name: str) -> str:
    return name[: -max(len(e) for e in ENDINGS if name.lower().endswith(e))]


def _list_archive(path: Path, scratch: Path) -> dict[str, Source]:
    try:
        members = _list_zip(path) if path.suffix.lower() == ".zip" else _list_tar(path, scratch)
    except (*BROKEN, UnicodeDecodeError) as error:
        raise LayoutError(f"{path.name} is broken ({error}): fetch or pack it again") from None
    return {m.name.removeprefix("./"): m for m in members if not IGNORED.search(m.name)}


def _list_zip(path: Path) -> list[Member]:
    entries = [entry for entry in _open_zip(path).infolist() if not entry.is_dir()]
    _refuse_outside(path, (entry.filename for entry in entries))
    _refuse_links(path, [e.filename for e in entries if e.external_attr >> 28 == 0o12])
    if any(entry.flag_bits & 1 for entry in entries):
        raise LayoutError(f"{path.name} is locked with a password: unpack it by hand")
    _refuse_bomb(path, sum(entry.file_size for entry in entries))
    return [Member(path, entry.filename, entry.file_size) for entry in entries]


def _list_tar(path: Path, scratch: Path) -> list[Member]:
    plain = path if path.suffix.lower() == ".tar" else _inflate(path, scratch)
    with tarfile.open(plain, "r:") as opened:
        entries = opened.getmembers()
    _refuse_outside(path, (entry.name for entry in entries))
    _refuse_links(path, [e.name for e in entries if not (e.isfile() or e.isdir()) or e.issparse()])
    size = plain.stat().st_size
    cut = [entry.name for entry in entries if entry.offset_data + entry.size > size]
    if cut:
        raise tarfile.ReadError(f"it ends within {clean_name(cut[0])}")
    return [Member(plain, e.name, e.size, e.offset_data) for e in entries if e.isfile()]


def _inflate(path: Path, scratch: Path) -> Path:
    """The plain tar inside a compressed one; BROKEN errors and OSError pass through."""
    kind = path.name.lower()[-2:]
    opener: Any = {"gz": gzip.open, "xz": lzma.open, "z2": bz2.open}[kind]
    scratch.mkdir(parents=True, exist_ok=True)
    plain = scratch / f"{path.name}.tar"
    most = _most(path)
    try:
        with opener(path, "rb") as stream, plain.open("wb") as file:
            if not _copy(stream, file, most):
                _refuse_bomb(path, most + 1)
    except BaseException as error:
        plain.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is None:  # gzip's own complaints
            raise tarfile.ReadError(str(error)) from error
        raise
    return plain


def _copy(stream: IO[bytes], file: IO[bytes], most: int) -> bool:
    """Copy ``most`` bytes at most; whether that was all."""
    left = most
    while left > 0 and (piece := stream.read(min(1 << 20, left))):
        file.write(piece)
        left -= len(piece)
    return left > 0 or not stream.read(1)


def _most(path: Path) -> int:
    return max(ALWAYS_FINE, MOST_GROWTH * path.stat().st_size)


def _refuse_outside(path: Path, names: Iterable[str]) -> None:
    bad = [name for name in names if OUTSIDE.search(name)]
    if bad:
        raise LayoutError(
            f"{path.name} holds {len(bad)} names that lead outside it (first: "
            f"{clean_name(bad[0])}): it was not read; use an archive from a source that you trust"
        )


def _refuse_links(path: Path, names: list[str]) -> None:
    if names:
        raise LayoutError(
            f"{path.name} holds {len(names)} links or special files (first: "
            f"{clean_name(names[0])}): pack it again with the pictures themselves"
        )


def _refuse_bomb(path: Path, total: int) -> None:
    if total > _most(path):
        raise LayoutError(
            f"{path.name} would grow from {path.stat().st_size:,} to {total:,} bytes or more, "
            "which pictures do not: it was not read"
        )


def free_bytes(folder: Path) -> int:
    """Free space on the disk that a folder, there yet or not, is on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


@lru_cache(maxsize=8)
def _open_zip(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)
