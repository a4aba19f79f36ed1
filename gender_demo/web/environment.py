"""clean_environment(): the variables of people's machines that would make gradio's launch fail."""

from __future__ import annotations

import ctypes
import os
import ssl
from collections.abc import Callable, MutableMapping
from contextlib import suppress

LOOPBACK = ("localhost", "127.0.0.1", "::1")
ANY_ADDRESS = ("0.0.0.0", "::")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
KEPT_KERNELS = "256"
"""So many compiled kernels stay at hand; each takes about 50 KB. torch keeps one for each batch
size that it met, of which faces bring any number: 1,024 of them twice over, and once more for each
thread, unless the variable is set before it is loaded."""

M_ARENA_MAX, ARENAS = -8, 2
"""glibc's number for ``mallopt``; so many heaps share all threads. Of its own accord it makes eight
for each core, each of which keeps what its largest picture took: memory then grew by 6 % from the
second fifth of a fuzz to its last, and by 2 % with two (benchmarks/fuzz.py, 2,000 cases)."""


def _holds_certificates(path: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ValueError):  # gone with an older installation, a folder, empty
        return False
    return True


def _can_be_written(path: str) -> bool:
    return os.access(path if os.path.exists(path) else os.path.dirname(path) or ".", os.W_OK)


CHECKED: dict[str, Callable[[str], bool]] = {
    "SSL_CERT_FILE": _holds_certificates,
    "SSL_CERT_DIR": os.path.isdir,
    "SSLKEYLOGFILE": _can_be_written,
    "WEB_CONCURRENCY": str.isdecimal,
}
"""Variables that gradio's server or client would fail on, and whether a value works."""


def share_heaps() -> None:
    """Let few heaps serve all threads, where the system's library is glibc; before they start."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def clean_environment(
    host: str, *, share: bool, environment: MutableMapping[str, str] = os.environ
) -> None:
    """Leave no variable of gradio's (the flags say what they would), and no way through a proxy
    to the page's own address, which gradio asks while it starts. A share link may need the proxy;
    nothing else does."""
    for name in [name for name in environment if name.startswith("GRADIO_")]:
        del environment[name]
    environment["GRADIO_ANALYTICS_ENABLED"] = "False"
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        environment.setdefault(name, KEPT_KERNELS)
    for name, works in CHECKED.items():
        if name in environment and not works(environment[name]):
            del environment[name]
    if not share:
        for name in [name for name in environment if name.lower() in PROXIES]:
            del environment[name]
    # Programs read the one or the other spelling.
    named = [environment.get(name, "") for name in ("no_proxy", "NO_PROXY")]
    direct = ",".join(dict.fromkeys(filter(None, (*named, *LOOPBACK, *ANY_ADDRESS, host))))
    environment["no_proxy"] = environment["NO_PROXY"] = direct
