"""File names as people have them -> names that every terminal and file system can take."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from pathlib import PurePath
from urllib.parse import unquote

MAX_STEM_BYTES = 120
"""Most file systems take 255 bytes in a name, encrypted ones 143; paths on Windows are short."""
JOINERS = "\u200c\u200d"
"""Invisible, but part of Persian and Indic words and of emoji."""
HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of control, format, lone surrogate and line separator characters."""
FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d¹²³])\s*\.", re.I)
"""On Windows, the first before any ending."""


def is_hidden(character: str) -> bool:
    """Whether a terminal would act on the character, or could not spell it, instead of showing
    it: ESC, line ends, direction overrides, bytes that are no text."""
    return unicodedata.category(character) in HIDDEN and character not in JOINERS


def printable(text: str, keep: str = "") -> str:
    """Text with hidden characters, except those in ``keep``, as escapes such as ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape").decode() if is_hidden(c) and c not in keep else c for c in text
    )


def annotated_name(name: str, number: int = 1, ending: str = "annotated.jpg") -> str:
    """ "a.png" -> "a-annotated.jpg", or "a-annotated-2.jpg" where the first is taken."""
    stem = "".join("_" if is_hidden(c) else c for c in PurePath(name).stem)
    stem = FORBIDDEN.sub("_", stem).encode()[:MAX_STEM_BYTES].decode(errors="ignore")
    stem = f"_{stem}" if RESERVED.match(stem) else stem
    what, _, suffix = ending.partition(".")
    return f"{stem or 'picture'}-{what}{f'-{number}' if number > 1 else ''}.{suffix}"


def from_address(text: str) -> str:
    """The path of which a program made an address: without file://, with a space for %20."""
    return unquote(re.sub("^file://(localhost)?", "", text, flags=re.I))


def name_key(name: str) -> str:
    """The same for names that Windows or macOS would take for one file."""
    apart = unicodedata.normalize("NFD", name)  # else marks in another order would count
    return unicodedata.normalize("NFC", apart.casefold())


def free_name(name: str, taken: Collection[str], ending: str = "annotated.jpg") -> str:
    """The first ``annotated_name`` whose ``name_key`` is not among ``taken``."""
    names = (annotated_name(name, number, ending) for number in range(1, len(taken) + 2))
    return next(free for free in names if name_key(free) not in taken)
