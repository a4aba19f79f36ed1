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

import os


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


def of_machine(error: Exception) -> str | None:
    """One sentence about what this machine does not give: a file or folder, a library; None where
    something else is to blame."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename} cannot be used ({error.strerror}): look at its name and rights."
    while_loading, at = isinstance(error, ImportError | MemoryError), error.__traceback__
    while at is not None and not while_loading:
        code, module = at.tb_frame.f_code, at.tb_frame.f_globals.get("__name__")
        while_loading = code.co_name == "<module>" and module != "__main__"
        at = at.tb_next
    if not while_loading:
        return None
    why = next(filter(None, map(str.strip, str(error).splitlines())), "no memory")
    named = [name for name, value in os.environ.items() if _quotes(why, value)]
    advice = f"unset {named[0]}" if named else "give it more memory, or run make install again"
    return f"A library cannot be loaded ({why}): {advice}."


def _quotes(message: str, value: str) -> bool:
    """Whether it complains of a variable's value; paths are everywhere."""
    spelt = (repr(value), f'"{value}"', *[f": {value}"] * (len(value) > 1))
    return bool(value) and "/" not in value and any(each in message for each in spelt)
