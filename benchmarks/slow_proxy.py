"""A loopback proxy that delays both ways and limits the way up, as a far or thin line would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE = 8192


@dataclass
class SlowProxy:
    """``delay_s`` is added each way; all connections share ``up_bytes_per_s`` towards the app."""

    target_port: int
    delay_s: float
    up_bytes_per_s: float
    port: int = 0
    sent: int = 0
    _free_at: float = field(default=0.0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sent_up(self) -> int:
        """Bytes sent towards the app so far."""
        return self.sent

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await stop.wait()

    async def _join(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far, far_out = await asyncio.open_connection("127.0.0.1", self.target_port)
        await asyncio.gather(self._carry(near, far_out, True), self._carry(far, near_out, False))

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, up: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=64)

        async def deliver() -> None:
            while True:
                due, piece = await pieces.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if not piece:
                    sink.close()
                    return
                sink.write(piece)
                await sink.drain()

        delivery = loop.create_task(deliver())
        with suppress(ConnectionError):
            while True:
                piece = await source.read(PIECE)
                due = loop.time()
                if up:
                    self.sent += len(piece)
                    self._free_at = max(self._free_at, due) + len(piece) / self.up_bytes_per_s
                    due = self._free_at
                await pieces.put((due + self.delay_s, piece))
                if not piece:
                    break
        with suppress(ConnectionError):
            await delivery


@contextmanager
def slow_proxy(
    target_port: int, *, delay_s: float = 0.0, up_bytes_per_s: float = float("inf")
) -> Iterator[SlowProxy]:
    """Run the proxy in a thread of its own; its ``url`` stands for the app's."""
    proxy = SlowProxy(target_port, delay_s, up_bytes_per_s)
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        loop.run_until_complete(proxy.serve(ready, stop))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    yield proxy
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
