"""Every error whose message is one sentence for a person, in one tree.

GenderDemoError
├── CheckpointError    a checkpoint folder that cannot be used
├── DeviceError        a device that is not on this machine
├── PictureError       a file that is no picture, or too large a one
├── VideoError         a file that is no video, or too large a one
├── FrameError         a request to the live view that is no frame
├── RequestRejected    a request that the middleware does not let through; has a ``status``
├── UsageError         arguments of a command that cannot be followed
├── DeployError        what stands between these files and a running Space
├── LayoutError        a data set that cannot be read              (raised by train)
└── DataError          prepared data that cannot be trained on     (raised by train)

The message says what is wrong and what to do. Anything else that is raised is a bug.
"""

from __future__ import annotations


class GenderDemoError(Exception):
    """The root: catch it to tell a person what is wrong."""


class CheckpointError(GenderDemoError):
    """A checkpoint folder that cannot be used."""


class DeviceError(GenderDemoError):
    """A device that is not on this machine."""


class PictureError(GenderDemoError):
    """A file that is no picture, or too large a one."""


class VideoError(GenderDemoError):
    """A file that is no video, or too large a one."""


class FrameError(GenderDemoError):
    """A request to the live view that is no frame."""


class RequestRejected(GenderDemoError):  # noqa: N818 - it is an answer
    """A request that the middleware does not let through."""

    def __init__(self, status: int, sentence: str) -> None:
        """``status``: the HTTP status of the answer, whose text is ``sentence``."""
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class UsageError(GenderDemoError):
    """Arguments of a command that cannot be followed."""


class DeployError(GenderDemoError):
    """What stands between these files and a running Space."""


class LayoutError(GenderDemoError):
    """A data set that cannot be read."""


class DataError(GenderDemoError):
    """Prepared data that cannot be trained on."""


def cannot_load(error: ImportError | MemoryError) -> str:
    """One sentence about a library that the system does not load, mostly for want of memory."""
    why = str(error).partition("\n")[0] or "no memory"
    return f"A library cannot be loaded ({why}): give it more memory, or run make install again."
