"""Seeded hostile pictures, names and request bodies."""

from __future__ import annotations

import base64
import functools
import io
import json
import random
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image

from tests.support.paths import ASTRONAUT

KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
NAMES = (
    "a.jpg", "../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "a\x00b.png", "ünïcødé 😀.jpg",
    "\u202egpj.exe", "x" * 300 + ".jpg", "con.jpg", "", ".", "..", "a\r\nSet-Cookie: x=1.jpg",
    "<img src=x onerror=alert(1)>.jpg", "${window.bad=1}.png", "%2e%2e%2fpasswd", "a.svg", "a.php",
    "=HYPERLINK(1).jpg", "A.JPG", "\x1b[2J\x1b]0;x\x07.jpg", "😀" * 80 + ".png",
    "\u2066a\u2069.jpg", " .jpg", "-rf.jpg", "a;=1.jpg", "NUL.tar.jpg", "\ufeffa.jpg",
    "e\u0301.jpg",
)  # fmt: skip
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
ENTITIES = b'<!DOCTYPE x [<!ENTITY a "' + b"A" * 999 + b'">]><svg>' + b"&a;" * 99 + b"</svg>"
JUNK: tuple[Any, ...] = (
    None, True, -1, 10**30, 1e308, "", "x" * 5000, [], {}, [[]], {"path": "/etc/passwd"},
    {"path": "../../etc/passwd"}, {"path": "http://127.0.0.1:1/a.jpg"}, {"path": None},
    {"url": "file:///etc/passwd"}, {"path": "a\x00b"}, "\ud800", "😀" * 99, {"__proto__": {"a": 1}},
    {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
    {"path": "http://127.0.0.1:1/a.jpg", "meta": {"_type": "gradio.FileData"}},
    float("nan"), float("-inf"), {"a": float("nan")}, ["\udfff"], {"\ud800": 1},
    {"path": "/proc/self/environ", "url": "http://a", "meta": {"_type": "gradio.FileData"}},
)  # fmt: skip


class Hostile:
    """Makes one hostile thing after another, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        small = Image.open(ASTRONAUT).convert("RGB").resize((160, 160))
        self.good = {kind: _encode(small, kind) for kind in KINDS}

    def name(self) -> str:
        return self.random.choice(NAMES)

    def picture(self) -> bytes:
        """Bytes that may or may not be a picture."""
        make = self.random.choice(
            [self._truncated, self._flipped, self._flipped, self._polyglot, self._giant,
             self._bomb, self._wrong, self._frames, self._exif]
        )  # fmt: skip
        return make()

    def frame(self) -> Any:
        """What is sent in place of a live request."""
        r = self.random
        picture = base64.b64encode(self.jpeg()).decode()
        good: dict[str, Any] = {
            "viewer": f"{r.randrange(4):032x}",
            "frame": r.randrange(10**6),
            "at_ms": r.random() * 1e6,
            "picture": picture,
        }
        if r.random() < 0.6:
            return good
        if r.random() < 0.3:
            return r.choice(JUNK)
        return good | {r.choice(list(good)): r.choice(JUNK)}

    def jpeg(self) -> bytes:
        data = self.good["JPEG"]
        return self.random.choice(
            [self._flip(data), data[: self.random.randrange(len(data))], data, self.picture()]
        )[:260_000]

    def body(self, live: int) -> bytes:
        """The body of a request that is no good JSON for the route it goes to."""
        r = self.random
        deep = r.choice([50, 5000, 100_000])
        session = r.choice(["s", "", "x" * 999, None])
        shapes: list[Any] = [
            {"data": r.choice(JUNK), "fn_index": r.choice([0, 1, 2, -1, 999, None, "0"]),
             "session_hash": session},
            {"data": [r.choice(JUNK)], "fn_index": r.randrange(4), "session_hash": session},
            {"data": [[r.choice(JUNK)] * 3], "event_data": r.choice(JUNK), "session_hash": "s"},
            {"data": self.frame(), "component_id": r.choice([live, live, 0, -1, 9999, "x"]),
             "fn_name": r.choice(["follow_frame", "__init__", "postprocess", 3]),
             "session_hash": session},
        ]  # fmt: skip
        raw = json.dumps(r.choice(shapes)).encode()
        return r.choice(
            [raw, raw, raw, raw[: r.randrange(len(raw))], b"[" * deep, b'{"data":' * deep,
             b'{"data": "' + b"x" * r.choice([10**5, 2 * 10**6]) + b'"}',
             r.randbytes(200), b"", b"NaN", b"1e999", b'{"data": NaN}', b'"\\ud800"',
             b"\xff\xfe" + raw]
        )  # fmt: skip

    def address(self) -> str:
        """A path with a query that is no good."""
        r = self.random
        return r.choice(
            ["/gradio_api/file=/etc/passwd", "/gradio_api/file=../../../etc/passwd",
             "/gradio_api/file=%2e%2e/%2e%2e/etc/passwd", "/gradio_api/file=/proc/self/environ",
             "/gradio_api/file=http://127.0.0.1:1/x", "/gradio_api/proxy=http://127.0.0.1:1/x",
             "/gradio_api/file=app.py", "/static/../../../etc/passwd", "/assets/%2e%2e/%2e%2e/x",
             "/gradio_api/queue/data?session_hash=" + "x" * r.choice([1, 9000]), "/monitoring",
             "/gradio_api/upload_progress?upload_id=x", "/?__theme=<script>", "/" + "a/" * 999,
             "/gradio_api/deep_link?session_hash=s", "/gradio_api/call/annotate/nothing",
             "/gradio_api/component_server", "/config?" + "x" * 3000, "/gradio_api/runs"]
        )  # fmt: skip

    def _flip(self, data: bytes) -> bytes:
        broken = bytearray(data)
        for _ in range(self.random.choice([1, 3, 20, 200])):
            broken[self.random.randrange(len(broken))] ^= 1 << self.random.randrange(8)
        return bytes(broken)

    def _any(self) -> bytes:
        return self.good[self.random.choice(KINDS)]

    def _flipped(self) -> bytes:
        return self._flip(self._any())

    def _truncated(self) -> bytes:
        data = self._any()
        return data[: self.random.randrange(len(data))]

    def _polyglot(self) -> bytes:
        box = io.BytesIO()
        with zipfile.ZipFile(box, "w") as archive:
            archive.writestr("../../evil.py", "raise SystemExit")
        tail = self.random.choice(
            [box.getvalue(), SVG, b"%PDF-1.7 /JS (app.alert(1))", b"#!/bin/sh\n"]
        )
        return self.random.choice([self._any() + tail, tail + self._any()])

    def _giant(self) -> bytes:
        """Headers that promise more pixels than there are."""
        side = self.random.choice([0, 1, 20_000, 65_535])
        png, bmp = bytearray(self.good["PNG"]), bytearray(self.good["BMP"])
        png[16:24] = struct.pack(">II", side, self.random.choice([side, 2**31 - 1]))
        png[29:33] = struct.pack(">I", zlib.crc32(bytes(png[12:29])))
        bmp[18:26] = struct.pack("<ii", side, -side)
        jpeg = bytearray(self.good["JPEG"])
        at = jpeg.find(b"\xff\xc0")
        jpeg[at + 5 : at + 9] = struct.pack(">HH", side, side)
        return bytes(self.random.choice([png, bmp, jpeg]))

    def _bomb(self) -> bytes:
        """A few kilobytes that unfold to many pixels: some within the limit, most above it."""
        side = self.random.choice([3000, 12_000, 12_000, 30_000, 60_000])
        return _bomb(side)

    def _wrong(self) -> bytes:
        r = self.random
        return r.choice(
            [b"", b"\x00", r.randbytes(500), SVG, ENTITIES, b"GIF89a", b"\xff\xd8\xff",
             b"BM" + r.randbytes(60), b"%!PS\nquit", b"MZ" + r.randbytes(99), b"text"]
        )  # fmt: skip

    def _frames(self) -> bytes:
        file = io.BytesIO()
        pages = [Image.new("RGB", (64, 64), (n, 0, 0)) for n in range(self.random.choice([2, 200]))]
        kind = self.random.choice(["GIF", "TIFF", "WEBP"])
        pages[0].save(file, kind, save_all=True, append_images=pages[1:])
        return self._flip(file.getvalue())

    def _exif(self) -> bytes:
        file = io.BytesIO()
        picture = Image.new("RGB", (64, 48), "teal")
        junk = b"Exif\x00\x00" + self.random.randbytes(self.random.choice([4, 300]))
        picture.save(file, "JPEG", exif=junk)
        return file.getvalue()


def _encode(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


@functools.cache
def _bomb(side: int) -> bytes:
    """A black PNG of side x side pixels, one bit each."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(b"\x00" * (1 + side // 8)) for _ in range(side))
    chunks = [(b"IHDR", header), (b"IDAT", data + rows.flush()), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
