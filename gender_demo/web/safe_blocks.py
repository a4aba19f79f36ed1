"""SafeBlocks: gr.Blocks in which whatever fails is one sentence, and nothing sent is logged."""

from __future__ import annotations

import math
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import route_utils
from gradio.exceptions import InvalidPathError
from gradio.queueing import Event, Queue
from pydantic import ValidationError

from gender_demo.web.logs import is_disk_trouble, log_failure
from gender_demo.web.middleware import DISK_FULL, FAILED, UNREADABLE

NOT_SENT = "Send the picture itself: upload it first, and give the path that the upload answers."


class SafeBlocks(gr.Blocks):
    """Blocks whose failures are one sentence for the visitor and one line without content for the
    log; gradio would print a traceback that quotes what was sent."""

    async def process_api(
        self, block_fn: Any, inputs: Any, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:  # as gradio has it
        """gradio's own, whose failures become a ``gr.Error`` with one sentence."""
        if names_address(inputs):
            raise gr.Error(NOT_SENT, print_exception=False)
        try:
            return await super().process_api(block_fn, inputs, *args, **kwargs)
        except gr.Error as error:
            error.print_exception = False
            raise
        except ValidationError:  # of gradio's own types, by what was sent
            raise gr.Error(UNREADABLE, print_exception=False) from None
        except Exception as error:
            log_failure(error, "a picture request")
            sentence = DISK_FULL if is_disk_trouble(error) else FAILED
            raise gr.Error(sentence, print_exception=False) from None

    async def preprocess_data(self, *args: Any, **kwargs: Any) -> Any:  # as gradio has it
        """gradio's own; a file that was not uploaded is the caller's mistake, not a failure."""
        try:
            return await super().preprocess_data(*args, **kwargs)
        except InvalidPathError:
            raise gr.Error(NOT_SENT, print_exception=False) from None

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:  # as gradio has it
        """gradio's own, whose complaint about too few of them would quote them."""
        try:
            super().validate_inputs(block_fn, inputs)
        except ValueError:
            raise gr.Error(UNREADABLE, print_exception=False) from None


def forgive_closed_sessions() -> None:
    """Drop queue messages of visitors who have gone, in this process for good. gradio looks for
    their session, fails, and with it fails whoever asks next."""
    send = Queue.send_message

    def send_message(queue: Queue, event: Event, event_message: Any) -> None:
        if event.session_hash in queue.pending_messages_per_session:
            send(queue, event, event_message)

    Queue.send_message = send_message  # type: ignore[assignment,method-assign]


def outlive_deletions() -> None:
    """Replace gradio's deletion of old files, in this process for good: its task ends at the first
    request that keeps a file meanwhile, and it never forgets names of files that others deleted."""
    route_utils.delete_files_created_by_app = delete_old_files


def delete_old_files(blocks: gr.Blocks, age: int | None) -> None:
    """Delete what requests kept ``age`` seconds ago or more, all of it without one."""
    kept = set[str]().union(*(getattr(b, "keep_in_cache", ()) for b in blocks.blocks.values()))
    before = math.inf if age is None else time.time() - age
    for files in blocks.temp_file_sets:
        for file in set(files) - kept:  # a copy: requests add to it meanwhile
            with suppress(OSError):
                if not os.path.lexists(file) or os.lstat(file).st_ctime <= before:
                    Path(file).unlink(missing_ok=True)
                    files.discard(file)


def names_address(inputs: Any) -> bool:
    """Whether a file is named by an address: gradio would fetch it, from whomever a caller wants,
    and ask a third party where it is."""
    left = [inputs]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            if str(item.get("path")).lower().startswith(("http:", "https:")):
                return True
            left += item.values()
        elif isinstance(item, list):
            left += item
    return False
