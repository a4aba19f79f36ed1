"""VideoWriter: frames with their times, and packets of sound -> an H.264 video without metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np

from gender_demo.video.patch import Patch, pasted
from gender_demo.video.source import LIMITED, Frame, VideoSource

PRESET, CRF = "ultrafast", "20"
"""Better presets make smaller files of the same looks, but cost three times as much time."""
MP4_SOUND = ("aac", "mp3", "mp3float", "opus", "libopus", "ac3", "eac3", "alac", "flac")
"""Kinds of sound that players take in MP4; others go into Matroska."""

SILENT = "its sound is of an unknown kind and was left out"
DAMAGED_SOUND = "parts of its sound are damaged and were left out"


def suffix_for(source: VideoSource) -> str:
    """The ending of the annotated video's name: one that can hold the source's sound as it is."""
    sound = source.sound
    return ".mp4" if sound is None or sound.codec_context.name in MP4_SOUND else ".mkv"


class VideoWriter:
    """Writes to ``path``, in the size, rate and colours of ``source``; sound is copied.

    Of the source's metadata (place, camera, names) nothing is taken over. ``note`` says what is
    wrong with the sound.
    """

    def __init__(self, path: Path, source: VideoSource, comment: str) -> None:
        kind = "mp4" if path.suffix == ".mp4" else "matroska"
        options = {"movflags": "+faststart"} if kind == "mp4" else {}
        self._container = av.open(str(path), "w", format=kind, container_options=options)
        self._container.metadata["comment"] = comment
        self._stream: Any = self._container.add_stream(
            "libx264", rate=source.rate, options={"preset": PRESET, "crf": CRF}
        )
        self._sound: Any = None
        if source.sound is not None:
            self._sound = self._container.add_stream_from_template(source.sound)
        self.note = SILENT if source.container.streams.audio and not source.sound else None
        self._early: list[av.Packet[Any]] = []
        self._begun, self._last_pts = False, -(2**62)

    def write(self, frame: Frame, drawn: Patch | None) -> None:
        """The next frame, with what is ``drawn`` on it: a part where it ``is_plain``, else all."""
        video: Any = frame.video
        if drawn is not None and frame.is_plain:
            video = pasted(video, drawn)
        elif drawn is not None:
            video = av.VideoFrame.from_ndarray(np.asarray(drawn.picture), format="rgb24")
        elif frame.turned:
            return self.write(frame, Patch(frame.picture()))
        if not self._begun:
            self._begin(frame, (video.width & ~1, video.height & ~1))
        width, height, source = self._stream.width, self._stream.height, frame.video
        if (video.format.name, video.width, video.height) != ("yuv420p", width, height):
            video = video.reformat(
                width,
                height,
                "yuv420p",
                src_color_range=source.color_range if drawn is None else None,
                dst_colorspace=source.colorspace,
                dst_color_range=LIMITED,
                threads=1,
            )
        if frame.video.pts <= self._last_pts:
            return None  # two frames of the same moment: a player would show one
        video.pts, video.time_base = frame.video.pts, frame.video.time_base
        video.pict_type = 0
        self._last_pts = frame.video.pts
        self._container.mux(self._stream.encode(video))
        return None

    def write_sound(self, packet: av.Packet[Any]) -> None:
        """The next packet of sound, as it is."""
        if not self._begun:  # the file's head needs the size of the first frame
            self._early.append(packet)
            return
        packet.stream = self._sound
        try:
            self._container.mux(packet)
        except av.FFmpegError:
            self.note = DAMAGED_SOUND

    def close(self) -> None:
        """Finish the file."""
        if self._begun:
            self._container.mux(self._stream.encode())
        self._container.close()

    def abandon(self) -> None:
        """Close the file without finishing it."""
        self._container.close()

    def _begin(self, frame: Frame, size: tuple[int, int]) -> None:
        context, source = self._stream.codec_context, frame.video
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        context.time_base = source.time_base
        context.color_range = LIMITED
        context.colorspace = source.colorspace
        context.color_primaries, context.color_trc = source.color_primaries, source.color_trc
        self._begun = True
        for packet in self._early:
            self.write_sound(packet)
        self._early.clear()
