"""Zip and tar archives, read in place: what is in them, and the bytes of each file.

A compressed tar has no index, so it is inflated once (not unpacked) into a scratch folder. Names
that lead outside an archive, links and contents out of all proportion to the archive's size are
refused before anything is read.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import posixpath
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from gender_demo.errors import LayoutError
from gender_demo.vision.pictures import MAX_BYTES, clean_name

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
MOST_GROWTH, ALWAYS_FINE = 100, 50_000_000
"""An archive may hold so many times its own size, or so many bytes in any case."""
UNREADABLE = (
    ".rar",
    ".7z",
    ".zst",
    ".z",
    ".gz",
    ".xz",
    ".bz2",
    ".lz4",
    ".lzma",
    ".cab",
    ".iso",
    ".dmg",
)
"""Endings of archives and packed files of other kinds."""
WORKBOOKS = (".xlsx", ".xls", ".ods", ".numbers")
MAGIC = {b"\x1f\x8b": "gz", b"\xfd7zXZ": "xz", b"BZh": "bz2"}
OPENERS: dict[str, Any] = {"gz": gzip.open, "xz": lzma.open, "bz2": bz2.open}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
OUTSIDE = re.compile(r"^(/|[A-Za-z]:)|(^|/)\.\.(/|$)")
BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, struct.error),
    *(NotImplementedError, ValueError, OverflowError),
)
"""What Python's readers raise where a byte has another value."""
UTF8_NAME = 0x800
"""The flag of a zip entry whose name is said to be UTF-8."""


@dataclass(frozen=True)
class Member:
    """One file in an archive; ``name`` as the archive spells it, ``at`` where its bytes start in a
    tar, -1 in a zip."""

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
        except (*BROKEN, RuntimeError, KeyError) as error:
            raise OSError(f"{self.name} in {self.archive.name}: {error}") from error


def is_archive(path: Path) -> bool:
    """Whether the name ends as an archive's does."""
    return path.name.lower().endswith(ENDINGS)


def holds_archive(path: Path) -> bool:
    """Whether a file without such a name, as half of a download or without its ending, is one by
    its bytes; workbooks are, too."""
    with path.open("rb") as file:
        start = file.read(512)
    return start.startswith((b"PK\3\4", *MAGIC)) or start[257:262] == b"ustar"


def list_archive(path: Path, scratch: Path) -> dict[str, Member]:
    """All files by their "/" names; LayoutError where the archive is broken or means harm."""
    try:
        kind = _kind(path)
        named = _list_zip(path) if kind == "zip" else _list_tar(path, kind, scratch)
    except BROKEN as error:
        raise LayoutError(f"{path.name} is broken ({error}): fetch or pack it again") from None
    return dict(named)


def _kind(path: Path) -> str:
    """zip, tar, gz, xz or bz2: by its bytes, since browsers unpack a tar.gz and leave its name;
    by its name where they say nothing."""
    with path.open("rb") as file:
        start = file.read(512)
    if start[257:262] == b"ustar":
        return "tar"
    if magic := [kind for begin, kind in MAGIC.items() if start.startswith(begin)]:
        return magic[0]
    by_name = {"ip": "zip", "ar": "tar", "gz": "gz", "xz": "xz", "z2": "bz2", "bz": "bz2"}
    return "zip" if zipfile.is_zipfile(path) else by_name.get(path.name.lower()[-2:], "zip")


def _list_zip(path: Path) -> list[tuple[str, Member]]:
    listed = _open_zip(path).infolist()
    entries = [entry for entry in listed if not entry.filename.endswith(("/", "\\"))]
    names = _final_names(path, [_zip_name(entry) for entry in entries])
    _refuse_links(path, [e.filename for e in entries if e.external_attr >> 28 == 0o12])
    if any(entry.flag_bits & 1 for entry in entries):
        raise LayoutError(f"{path.name} is locked with a password: unpack it by hand")
    if other := [entry.compress_type for entry in entries if entry.compress_type not in METHODS]:
        raise LayoutError(
            f"{path.name} is packed by a method that is not read here (number {other[0]}): unpack "
            "it, or pack it again as a plain zip"
        )
    _refuse_bomb(path, sum(entry.file_size for entry in entries))
    members = [Member(path, entry.filename, entry.file_size) for entry in entries]
    return list(zip(names, members, strict=True))


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """As it was meant: many programs write UTF-8 and do not say so."""
    if not entry.flag_bits & UTF8_NAME:
        try:
            return entry.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return entry.filename


def _list_tar(path: Path, kind: str, scratch: Path) -> list[tuple[str, Member]]:
    plain = path if kind == "tar" else _inflate(path, kind, scratch)
    with tarfile.open(plain, "r:") as opened:
        entries = opened.getmembers()
    names = _final_names(path, [entry.name for entry in entries])
    _refuse_links(path, [e.name for e in entries if not (e.isfile() or e.isdir()) or e.issparse()])
    size = plain.stat().st_size
    cut = [entry.name for entry in entries if entry.offset_data + entry.size > size]
    if cut:
        raise tarfile.ReadError(f"it ends within {clean_name(cut[0])}")
    return [
        (name, Member(plain, entry.name, entry.size, entry.offset_data))
        for name, entry in zip(names, entries, strict=True)
        if entry.isfile()
    ]


def _final_names(path: Path, names: Sequence[str]) -> list[str]:
    """The names as they will be used: "/" between folders, no "." among them, none outside."""
    slashed = [name.replace("\\", "/") for name in names]
    if bad := [name for name in slashed if OUTSIDE.search(name)]:
        raise LayoutError(
            f"{path.name} holds {len(bad)} names that lead outside it (first: "
            f"{clean_name(bad[0])}): it was not read; use an archive from a source that you trust"
        )
    return [posixpath.normpath(name) for name in slashed]


def _inflate(path: Path, kind: str, scratch: Path) -> Path:
    """The plain tar inside a compressed one; BROKEN errors and OSError pass through."""
    scratch.mkdir(parents=True, exist_ok=True)
    known_by = hashlib.sha256(str(path.resolve()).encode(errors="replace")).hexdigest()[:16]
    plain = scratch / f"{known_by}.tar"
    most = _most(path)
    try:
        with OPENERS[kind](path, "rb") as stream, plain.open("wb") as file:
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


@lru_cache(maxsize=8)
def _open_zip(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)
