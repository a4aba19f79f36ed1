"""Serve the page: flags -> pipeline -> page -> launch."""

from __future__ import annotations

import argparse
import atexit
import io
import os
import signal
import socket
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path

DRAIN_S = 2.5
"""When asked to stop: how long what was begun may take to be answered; all ends within 5."""
KEPT_KERNELS = "256"
"""So many stay at hand; each takes about 50 KB."""


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted; returns the exit code."""
    flags = parse_flags(argv)
    # What cannot work is said before the heavy imports, which take seconds.
    from gender_demo.errors import CheckpointError, DeviceError
    from gender_demo.vision.preflight import check_device, check_folder
    from gender_demo.web.uploads import upload_folder

    if (port_error := check_port(flags.host, flags.port)) is not None:
        return fail(port_error)
    try:
        check_folder(flags.checkpoint)
        check_device(flags.device)
    except (CheckpointError, DeviceError) as error:
        return fail(str(error))

    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # torch keeps code for each batch size that it met, of which faces bring any number: 1,024 of
    # them twice over, and once more for each thread, unless told otherwise before it is loaded.
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, KEPT_KERNELS)
    try:
        with upload_folder() as folder:
            os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")
            return serve(flags, folder / "gradio")
    except OSError as error:
        return fail(
            f"There is no place for temporary files ({error.strerror}): make room, or let TMPDIR "
            "name a folder that can be written to."
        )


def parse_flags(argv: list[str] | None) -> argparse.Namespace:
    on_spaces = "SPACE_ID" in os.environ
    host = os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0" if on_spaces else "127.0.0.1")
    port = os.environ.get("GRADIO_SERVER_PORT", "7860")
    parser = argparse.ArgumentParser(
        description="Serve the page that guesses how faces may be perceived."
    )
    parser.add_argument(
        "--checkpoint", metavar="DIR", help="folder written by train (default: the shipped one)"
    )
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, cuda, cuda:N or mps (default: auto)"
    )
    parser.add_argument(
        "--host", default=host, metavar="H", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        default=port,
        type=port_number,
        metavar="P",
        help="port to listen on (default: %(default)s)",
    )
    parser.add_argument(
        "--share", action="store_true", help="also print a public link, for a week at most"
    )
    parser.add_argument(
        "--auth", type=user_and_password, metavar="USER:PASSWORD", help="ask visitors for these"
    )
    return parser.parse_args(argv)


def port_number(text: str) -> int:
    if not (text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535.")
    return int(text)


def user_and_password(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise argparse.ArgumentTypeError("give a user and a password with a colon between them.")
    return user, password


def check_port(host: str, port: int) -> str | None:
    """What is wrong with listening there, as one sentence, or None."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        return f"The host {host!r} is not known: use --host 127.0.0.1 or 0.0.0.0."
    except OSError as error:
        return (
            f"Port {port} on {host} cannot be used ({error.strerror}): choose another with --port."
        )
    return None


def serve(flags: argparse.Namespace, folder: Path) -> int:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())

    from gender_demo.errors import CheckpointError, DeviceError
    from gender_demo.vision.pipeline import (
        leave_room,
        load_pipeline,
    )
    from gender_demo.web.logs import redact_tracebacks
    from gender_demo.web.middleware import Traffic

    redact_tracebacks()
    leave_room()
    try:
        pipeline = load_pipeline(flags.checkpoint, flags.device)
        pipeline.warm_up()
        from gender_demo.web.page import (
            build_page,
            launch_options,
        )

        page = build_page(pipeline)
    except (CheckpointError, DeviceError) as error:
        return fail(str(error))
    traffic = Traffic(folder)
    try:
        with redirect_stdout(io.StringIO()):  # gradio's own words about the link
            _, url, share_url = page.launch(
                server_name=flags.host, server_port=flags.port, share=flags.share, auth=flags.auth,
                prevent_thread_lock=True, quiet=True, **launch_options(traffic),
            )  # fmt: skip
    except OSError as error:
        return fail(f"The page cannot be served on {flags.host}:{flags.port} ({error}).")
    print(f"The page is at {url} (stop with Ctrl+C).", flush=True)
    if share_url:
        print(f"Until this stops, for a week at most, also at {share_url}", flush=True)
    elif flags.share:
        print(
            "There is no public link: the share service cannot be reached. Is there internet? "
            "The page is served here all the same.",
            flush=True,
        )
    stopped.wait()
    traffic.drain(DRAIN_S)
    page.server.config.timeout_graceful_shutdown = 1
    page.close(verbose=False)
    return 0


def fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


def leave(code: int) -> None:
    """End the process now: taking torch apart can last longer than the seconds it is given."""
    atexit._run_exitfuncs()  # ends the share link's own process
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
