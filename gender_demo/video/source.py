"""VideoSource: a video file -> upright frames with their times, and the packets of its sound.

Everything that can be wrong with a file ends here, as VideoError. Only the demuxers and decoders
named here are ever used: no playlist or script format of FFmpeg's, which could name other files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from gender_demo.errors import VideoError
from gender_demo.video.limits import Limits
from gender_demo.video.patch import PLAIN
from gender_demo.vision.pictures import clean_name, not_a_file

SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")
"""File name endings that a folder is searched for; what a file is, its bytes decide."""
KINDS = "MP4, MOV, WebM, MKV or AVI"
CODECS = (
    *("h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg4", "msmpeg4v2", "msmpeg4v3"),
    *("mjpeg", "mpeg1video", "mpeg2video", "h263", "prores", "dvvideo", "rawvideo"),
)
LIMITED, FULL = 1, 2
"""FFmpeg's numbers of colour ranges: 16 to 235, 0 to 255."""
CUT_SHORT, MISSING_S = "the video is cut short: its end is missing", 1.0


class Frame:
    """One decoded frame, ``at_s`` seconds after the first one."""

    def __init__(self, video: Any, at_s: float, turned: int) -> None:
        self.video, self.at_s, self.turned = video, at_s, turned

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels, upright."""
        size = self.video.width, self.video.height
        return size[::-1] if self.turned in (90, 270) else size

    @property
    def is_plain(self) -> bool:
        """Whether a part of it can be taken out and put back; see ``patch.pasted``."""
        video = self.video
        even = video.width % 2 == video.height % 2 == 0
        return video.format.name == PLAIN and even and not self.turned and video.color_range != FULL

    def picture(
        self, longer_px: int | None = None, area: tuple[int, int, int, int] | None = None
    ) -> Image.Image:
        """Upright, RGB, not larger than ``longer_px``; only ``area`` of it."""
        size = self.video.width, self.video.height
        share = min(1.0, longer_px / max(size)) if longer_px else 1.0
        width, height = (max(2, round(side * share)) for side in size)
        pixels = self.video.reformat(
            width,
            height,
            "rgb24",
            src_color_range=self.video.color_range,
            dst_color_range=FULL,
            threads=1,  # more are begun and ended for each frame
        ).to_ndarray()
        x0, y0, x1, y1 = area or (0, 0, *self.size)
        upright = np.rot90(pixels, self.turned // 90)[y0:y1, x0:x1]
        return Image.fromarray(np.ascontiguousarray(upright))


class VideoSource:
    """An opened video: ``size`` (width, height) upright, ``seconds`` as it says of itself or None.

    ``note`` says, once all was read, what was wrong without keeping it from being read. To be
    closed, or used in a ``with``.
    """

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        """Raises VideoError."""
        self.name, self.limits = clean_name(path.name), limits or Limits()
        self.note: str | None = None
        kind = _kind(path, self.name, self.limits)
        try:
            self.container = av.open(str(path), format=kind, metadata_errors="replace")
        except (av.FFmpegError, ValueError, OSError):
            raise self._unreadable() from None
        try:
            self._check()
        except BaseException:
            self.container.close()
            raise

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()

    def _check(self) -> None:
        streams = self.container.streams.video
        self.stream = next((s for s in streams if not s.disposition & _attached()), None)
        if self.stream is None:
            raise VideoError(f"{self.name} has no moving picture.")
        # A kind of sound that FFmpeg does not know cannot be copied either.
        known = [s for s in self.container.streams.audio if s.codec_context is not None]
        self.sound = next(iter(known), None)
        context = self.stream.codec_context
        if context is None or context.codec.name not in CODECS:
            raise VideoError(
                f"{self.name} is coded in a way that this program does not know: "
                "save it as H.264 in MP4."
            )
        if context.width * context.height > self.limits.pixels:
            millions = self.limits.pixels / 1_000_000
            raise VideoError(f"{self.name} has frames of more than {millions:.1f} million pixels.")
        if min(context.width, context.height) < 16:
            raise VideoError(f"{self.name} has no frames, or frames of less than 16 pixels a side.")
        # Where a file is cut short, its head may still say how long it was.
        whole, own = self.container.duration or 0, self.stream.duration or 0
        seconds = max(whole / av.time_base, float(own * (self.stream.time_base or 0)))
        self.seconds = seconds if seconds > 0 else None
        if self.seconds is not None and self.seconds > 60 * self.limits.minutes:
            raise self._too_long()
        self.stream.thread_type = "AUTO"
        context.thread_count = min(4, os.cpu_count() or 1)

    @property
    def rate(self) -> Fraction:
        """Frames per second on average, or a guess."""
        assert self.stream is not None
        rate = self.stream.average_rate or self.stream.guessed_rate or Fraction(25)
        return Fraction(rate).limit_denominator(100_000) if 0 < rate <= 1000 else Fraction(25)

    def read(self) -> Iterator[Frame | av.Packet[Any]]:
        """Frames and, between them, the sound's packets, as they come in the file."""
        assert self.stream is not None
        wanted = [self.stream, *filter(None, [self.sound])]
        first_s: float | None = None
        count, damaged, last_s = 0, 0, 0.0
        packets = self.container.demux(wanted)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except (av.FFmpegError, ValueError):
                damaged += 1
                break
            self._refuse_encrypted(packet)
            if packet.stream is self.sound:
                if packet.dts is not None:
                    yield packet
                continue
            frames: list[Any] = []
            try:
                frames = list(packet.decode())
            except (av.FFmpegError, ValueError):
                damaged += 1
            for frame in frames:
                if frame.pts is None:
                    continue
                first_s = frame.time if first_s is None else first_s
                last_s = frame.time - first_s
                count += 1
                if last_s > 60 * self.limits.minutes or count > self.limits.frames:
                    raise self._too_long()
                yield Frame(frame, last_s, frame.rotation % 360)
        if count < 2:
            raise (
                self._unreadable()
                if damaged or not count
                else VideoError(f"{self.name} is one picture, not a video: give it to predict.")
            )
        if self.seconds is not None and self.seconds - last_s > MISSING_S:
            self.note = CUT_SHORT
        elif damaged:
            self.note = "parts of the video are damaged and were left out"

    def _refuse_encrypted(self, packet: av.Packet[Any]) -> None:
        """Some encrypted frames decode, to noise."""
        if packet.has_sidedata("encryption_info"):
            raise VideoError(f"{self.name} is encrypted: save it without a password first.")

    def _unreadable(self) -> VideoError:
        return VideoError(f"{self.name} is damaged, cut short or encrypted and cannot be read.")

    def _too_long(self) -> VideoError:
        return VideoError(
            f"{self.name} is longer than {self.limits.minutes:g} minutes or "
            f"{self.limits.frames:,} frames: cut it first."
        )


def _kind(path: Path, name: str, limits: Limits) -> str:
    """The demuxer for a file, by its first bytes."""
    # os.path, unlike Path, takes names that are too long for what does not exist.
    if os.path.isdir(path):
        raise VideoError(f"{name} {not_a_file(path, 'video')}.")
    if not os.path.isfile(path):
        raise VideoError(f"{name} does not exist.")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        raise VideoError(f"{name} may not be read.") from None
    if not size:
        raise VideoError(f"{name} is empty.")
    if size > limits.bytes:
        raise VideoError(f"{name} is larger than {limits.bytes // 1_000_000:,} MB.")
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:11] == b"AVI":
        return "avi"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return "mov"
    raise VideoError(f"{name} is not a video of a known kind ({KINDS}).")


def _attached() -> Any:
    """The flag of a stream that is a cover picture."""
    with suppress(AttributeError):
        return av.stream.Disposition.attached_pic
    return 0
