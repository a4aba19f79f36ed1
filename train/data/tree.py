"""A folder, a zip or a tar as one tree of files, read in place: nothing is ever unpacked.

Archives that lie in a folder are shown as folders of their name; links to folders are followed.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import unicodedata
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from gender_demo.errors import LayoutError
from gender_demo.files.ignored import is_ignored
from gender_demo.vision.pictures import SUFFIXES, clean_name
from train.data.archives import (
    ENDINGS,
    UNREADABLE,
    WORKBOOKS,
    Member,
    holds_archive,
    is_archive,
    list_archive,
)
from train.data.text import decode

Source = Path | Member


@dataclass(frozen=True)
class Tree:
    """``files`` by their "/" names, sorted; ``folders`` has every folder's name, empty ones too."""

    root: Path
    files: dict[str, Source]
    folders: frozenset[str]

    def find(self, name: str, within: str = "") -> Source | None:
        """The file of this name, at the top or in any folder; of several the first by name.

        Where nothing is spelt so, upper and lower case and ways of writing accents are one.
        ``within``: what the folder's path must hold.
        """
        wanted = posixpath.normpath(name.replace("\\", "/"))
        if not within and wanted in self.files:
            return self.files[wanted]
        below = [path for path in self._like(wanted) if within in path]
        exact = [path for path in below if f"/{path}".endswith(f"/{wanted}")]
        return self.files[(exact or below)[0]] if below else None

    def find_end(self, name: str) -> Source | None:
        """The one file that shares the most folders with a path of another machine."""
        parts = name.replace("\\", "/").split("/")
        for start in range(1, len(parts)):
            found = self._like("/".join(parts[start:]))
            if found:
                return self.files[found[0]] if len(found) == 1 else None
        return None

    def _like(self, name: str) -> list[str]:
        """All files whose path ends so, sorted."""
        key = _key(name)
        named = self._by_name.get(key.rpartition("/")[2], ())
        return [path for path in named if f"/{_key(path)}".endswith(f"/{key}")]

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """Key of a file's bare name -> paths."""
        found: dict[str, list[str]] = {}
        for name in self.files:
            found.setdefault(_key(name.rpartition("/")[2]), []).append(name)
        return found

    def text(self, name: str) -> str | None:
        """A text file's content, found as ``find`` does; None where there is none."""
        source = self.find(name)
        return None if source is None else decode(source.read_bytes())


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def read_tree(source: Path, scratch: Path) -> Tree:
    """List a folder, an archive, or the folder that one file (a CSV) lies in."""
    if source.is_dir():
        files, folders = _list_folder(source, scratch)
    elif is_packed(source):
        files, folders = _list_archive(source, scratch), set()
    elif source.name.lower().endswith(UNREADABLE):
        raise LayoutError(
            f"{source.name} is packed in a way that is not read here: unpack it and give the "
            "folder, or pack it again as zip or tar"
        )
    elif source.is_file():
        return replace(read_tree(source.parent, scratch), root=source)
    else:
        raise LayoutError(f"There is nothing at {source}: give the folder or archive of pictures")
    for name in files:
        folders.update(str(parent) for parent in PurePosixPath(name).parents)
    return Tree(source, dict(sorted(files.items())), frozenset(folders - {"."}))


def is_packed(source: Path) -> bool:
    """Whether a source is an archive, by its name or, where that says nothing, by its bytes;
    workbooks are zips by those."""
    if is_archive(source):
        return True
    known = source.name.lower().endswith((*UNREADABLE, *SUFFIXES, *WORKBOOKS))
    return not known and source.is_file() and holds_archive(source)


def _list_folder(source: Path, scratch: Path) -> tuple[dict[str, Source], set[str]]:
    files: dict[str, Source] = {}
    folders: set[str] = set()
    for where, inner, names in os.walk(source, followlinks=True):
        below = Path(where).relative_to(source).as_posix()
        before = "" if below == "." else below + "/"
        inner[:] = sorted(
            name for name in inner if not is_ignored(name) and not _leads_back(Path(where, name))
        )
        folders.update(before + name for name in inner)
        for name in sorted(name for name in names if not is_ignored(name)):
            path = Path(where, name)
            if not is_archive(path):
                files[before + name] = path
            elif (stem := _stem(name)) not in inner:  # else it has been unpacked beside
                for member, content in _list_archive(path, scratch).items():
                    files[f"{before}{stem}/{member}"] = content
    return files, folders


def _leads_back(folder: Path) -> bool:
    """Whether a link leads to a folder on the way to it, round and round."""
    if not folder.is_symlink():
        return False
    real = folder.resolve()
    return any(real == parent.resolve() for parent in folder.parents)


def _list_archive(path: Path, scratch: Path) -> dict[str, Source]:
    files: dict[str, Source] = {
        name: member for name, member in list_archive(path, scratch).items() if not is_ignored(name)
    }
    inner = [name for name in files if name.lower().endswith((*ENDINGS, *UNREADABLE))]
    if inner and not any(name.lower().endswith(SUFFIXES) for name in files):
        raise LayoutError(
            f"{path.name} holds archives and no pictures (first: {clean_name(inner[0])}): unpack "
            "it and give the folder"
        )
    return files


def _stem(name: str) -> str:
    return name[: -max(len(e) for e in ENDINGS if name.lower().endswith(e))]


def free_bytes(folder: Path) -> int:
    """Free space on the disk that a folder, there yet or not, is on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
