"""Short video files of every kind, made by PyAV from the public-domain portrait."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from tests.support.paths import EXAMPLES

SIZE, FPS, SECONDS = (320, 240), 25, 1.0
CODECS = {
    ".mp4": "libx264",
    ".mov": "libx264",
    ".webm": "libvpx",
    ".mkv": "libx264",
    ".avi": "mpeg4",
}
SOUND = {".mp4": "aac", ".mov": "aac", ".webm": "libopus", ".mkv": "aac", ".avi": "mp3"}
FORMATS = {".mp4": "mp4", ".mov": "mov", ".webm": "webm", ".mkv": "matroska", ".avi": "avi"}


@lru_cache
def portrait(size: tuple[int, int] = SIZE, x: int = 0) -> Image.Image:
    """The portrait, moved ``x`` pixels to the right, before a teal ground."""
    picture = Image.new("RGB", size, (20, 130, 120))
    with Image.open(EXAMPLES / "astronaut.jpg") as source:
        head = source.convert("RGB").crop((96, 0, 352, 256)).resize((min(size),) * 2)
    picture.paste(head, (x, 0))
    return picture


def make_clip(
    path: Path,
    pictures: Sequence[Image.Image] | None = None,
    *,
    times: Callable[[int], float] = lambda n: n / FPS,
    sound: bool = True,
    degrees: int = 0,
    sound_codec: str | None = None,
    **options: Any,
) -> Path:
    """A clip of ``pictures`` (default: the portrait, moving); ``times`` gives each frame's second.

    ``degrees``: how far a player is to turn it, counter-clockwise. ``options`` go to the container.
    """
    pictures = pictures or [portrait(x=n) for n in range(round(SECONDS * FPS))]
    size = pictures[0].size
    kind = path.suffix
    with av.open(str(path), "w", format=FORMATS[kind], options=options) as out:
        out.metadata["location"] = "+52.5200+013.4050/"
        stream: Any = out.add_stream(CODECS[kind], rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS if kind == ".avi" else 1000)
        if degrees:
            stream.set_display_rotation(degrees)
        beep: Any = None
        if sound:
            beep = out.add_stream(sound_codec or SOUND[kind], rate=48000, layout="mono")
        packets: list[Any] = []
        for n, picture in enumerate(pictures):
            frame = av.VideoFrame.from_image(picture)
            frame.time_base = stream.codec_context.time_base
            frame.pts = round(times(n) / frame.time_base)
            packets += stream.encode(frame)
        packets += stream.encode()
        if beep is not None:
            packets += _tone(beep, times(len(pictures)))
        for packet in packets:
            out.mux(packet)
    return path


def _tone(stream: Any, seconds: float) -> Iterator[Any]:
    wave = np.sin(np.arange(round(seconds * 48000)) * 2 * np.pi * 440 / 48000) * 8000
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
    fifo: Any = av.AudioFifo()
    for part in av.AudioResampler(stream.format, "mono", 48000).resample(frame):
        fifo.write(part)
    size = stream.codec_context.frame_size or 1152
    while (part := fifo.read(size)) is not None:
        yield from stream.encode(part)
    yield from stream.encode()


def read_clip(path: Path) -> tuple[list[tuple[float, Image.Image]], list[bytes]]:
    """All frames, each (second, picture), and all packets of sound."""
    frames: list[Any] = []
    packets: list[bytes] = []
    with av.open(str(path)) as clip:
        packet: Any
        for packet in clip.demux():
            if packet.stream.type == "audio":
                packets += [bytes(packet)] if packet.size else []
            elif packet.stream.type == "video":
                frames += [(f.time, f.to_image()) for f in packet.decode()]
    return frames, packets
