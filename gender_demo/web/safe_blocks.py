"""SafeBlocks: gr.Blocks in which whatever fails is one sentence, and nothing sent is logged."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.queueing import Event, Queue
from pydantic import ValidationError

from gender_demo.web.logs import is_disk_trouble, log_failure
from gender_demo.web.middleware import DISK_FULL, FAILED, UNREADABLE


class SafeBlocks(gr.Blocks):
    """Blocks whose failures are one sentence for the visitor and one line without content for the
    log; gradio would print a traceback that quotes what was sent."""

    async def process_api(
        self, block_fn: Any, inputs: Any, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:  # as gradio has it
        """gradio's own, whose failures become a ``gr.Error`` with one sentence."""
        if names_address(inputs):
            raise gr.Error("Send the picture itself, not its address.", print_exception=False)
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


def forgive_closed_sessions() -> None:
    """Drop queue messages of visitors who have gone, in this process for good. gradio looks for
    their session, fails, and with it fails whoever asks next."""
    send = Queue.send_message

    def send_message(queue: Queue, event: Event, event_message: Any) -> None:
        if event.session_hash in queue.pending_messages_per_session:
            send(queue, event, event_message)

    Queue.send_message = send_message  # type: ignore[assignment,method-assign]


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
