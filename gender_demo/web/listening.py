"""listen_on_both(): gradio's server on ``::`` also answers IPv4, as people expect of it."""

from __future__ import annotations

import socket

from gradio.http_server import Server

ANY = "::"


def listen_on_both() -> None:
    """From now on, in this process: asyncio's own sockets for ``::`` refuse IPv4."""
    startup = Server.startup

    async def startup_on_both(server: Server, sockets: list[socket.socket] | None = None) -> None:
        if server.config.host == ANY and sockets is None:
            sockets = [both(server.config.port)]
        await startup(server, sockets)

    Server.startup = startup_on_both  # type: ignore[method-assign,assignment]


def both(port: int) -> socket.socket:
    """A listening socket of IPv6 and IPv4."""
    return socket.create_server(
        (ANY, port), family=socket.AF_INET6, dualstack_ipv6=socket.has_dualstack_ipv6()
    )
