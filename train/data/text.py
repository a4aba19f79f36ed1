"""Bytes of a text file, from whatever program, -> text."""

from __future__ import annotations

import codecs

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order mark -> encoding; UTF-32's little-endian one begins like UTF-16's."""

FALLBACK = "cp1252"


def decode(data: bytes) -> str:
    """UTF-8, -16 or -32 with a mark; UTF-16 without one; UTF-8; else Windows' Western encoding.

    NULs, which some programs leave at the end, are dropped.
    """
    return data.decode(encoding_of(data), errors="replace").replace("\0", "")


def spell(text: str) -> str:
    """Text that can be written as UTF-8; what stands for bytes that are no text is escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def encoding_of(data: bytes) -> str:
    """The encoding that ``decode`` takes it for."""
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            return encoding
    # Every second byte of Western text in UTF-16 is 0.
    low, high = data[::2], data[1::2]
    if high and high.count(0) > 0.4 * len(high) and not low.count(0):
        return "utf-16-le"
    if low and low.count(0) > 0.4 * len(low) and not high.count(0):
        return "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return FALLBACK
    return "utf-8"
