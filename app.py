"""Serve the page: flags -> pipeline -> page -> launch; Spaces runs this file."""

from __future__ import annotations

import argparse
import atexit
import errno
import io
import ipaddress
import os
import re
import signal
import socket
import sys
import threading
from contextlib import redirect_stdout, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # python -P, say, leaves it out

from gender_demo.errors import CheckpointError, DeviceError, UsageError, of_machine
from gender_demo.files.names import printable
from gender_demo.operator import Operator, operator_of, require_operator
from gender_demo.sensitive import FLAG, FLAG_HELP
from gender_demo.vision.preflight import (
    CHECKPOINT_VARIABLE,
    check_device,
    check_folder,
    check_labels,
)

NO_PLACE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.ENOENT)
DRAIN_S = 2.5
"""When asked to stop: how long what was begun may take to be answered; all ends within 5."""


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted; returns the exit code."""
    flags = parse_flags(argv)
    try:
        Path.cwd()
    except OSError:  # deleted: torch would not load there
        os.chdir(Path(__file__).resolve().parent)
    # What cannot work is said before the heavy imports, which take seconds.
    from gender_demo.web.environment import clean_environment, share_heaps
    from gender_demo.web.type_stubs import skip_type_stubs
    from gender_demo.web.upload_folder import upload_folder

    if (port_error := check_port(flags.host, flags.port)) is not None:
        return fail(port_error)
    try:
        operator = operator_of(flags.operator, flags.contact)
        if flags.share:
            require_operator(operator, waived=flags.no_operator)
        flags.checkpoint = check_folder(flags.checkpoint)
        check_labels(flags.checkpoint, allowed=flags.allow_sensitive_labels)
        check_device(flags.device)
    except (CheckpointError, DeviceError, UsageError) as error:
        return fail(str(error))

    share_heaps()
    clean_environment(flags.host, share=flags.share)
    skip_type_stubs()
    try:
        with upload_folder() as folder:
            os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")
            return serve(flags, operator, folder / "gradio")
    except Exception as error:
        if (said := why_not_started(error)) is None:
            raise
        return fail(said)


def why_not_started(error: Exception) -> str | None:
    """A sentence about what this machine does not give; None where it is not to blame."""
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        return "Too few files may be open at once here: raise it, as by ulimit -n 1024."
    if isinstance(error, OSError) and error.errno in NO_PLACE:
        return (
            f"There is no place for temporary files ({error.strerror}): make room, or let TMPDIR "
            "name a folder that can be written to."
        )
    return of_machine(error)


def parse_flags(argv: list[str] | None) -> argparse.Namespace:
    """The flags, for some of which GRADIO_ variables give the default."""
    variables = os.environ
    everywhere = "0.0.0.0" if "SPACE_ID" in variables else "127.0.0.1"
    parser = argparse.ArgumentParser(
        description="Serve the page that guesses how faces may be perceived."
    )
    add = parser.add_argument
    add("--checkpoint", metavar="DIR", default=variables.get(CHECKPOINT_VARIABLE) or None,
        help="of train, or hf:USER/MODEL[@revision] (default: the shipped one)")  # fmt: skip
    add(FLAG, action="store_true", help=FLAG_HELP)
    add("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps (default: auto)")
    add("--host", metavar="H", type=host_name,
        default=variables.get("GRADIO_SERVER_NAME") or everywhere,
        help="address to listen on, IPv4 or IPv6, :: for both (default: %(default)s)")  # fmt: skip
    add("--port", metavar="P", type=port_number,
        default=variables.get("GRADIO_SERVER_PORT") or "7860",
        help="port to listen on (default: %(default)s)")  # fmt: skip
    add("--root-path", metavar="P", type=root_path,
        default=variables.get("GRADIO_ROOT_PATH", ""),
        help="path under which a proxy shows the page, such as /faces")  # fmt: skip
    add("--share", action="store_true", help="also print a public link, for up to a week")
    add("--share-server", metavar="HOST:PORT", type=share_server,
        default=variables.get("GRADIO_SHARE_SERVER_ADDRESS"),
        help="with --share: the server that makes the link, instead of gradio's")  # fmt: skip
    add("--auth", type=user_and_password, metavar="USER:PASSWORD", help="ask visitors for these")
    add("--operator", metavar="NAME", help="who runs the page, shown on it")
    add("--contact", metavar="URL", help="how to reach them: https://... or a mail address")
    add("--no-operator", action="store_true", help="share without saying who runs the page")
    return parser.parse_args(argv)


def host_name(text: str) -> str:
    """A host as ``socket`` takes it: IPv6 in its shortest spelling, without the brackets that it
    has in addresses."""
    host = re.sub(r"^\[(.*)\]$", r"\1", text.strip()).replace("*", "0.0.0.0")
    try:
        return ipaddress.ip_address(host).compressed
    except ValueError:
        return host


def port_number(text: str) -> int:
    """1 to 65535."""
    if not (text.isdecimal() and text.isascii() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535.")
    return int(text)


def root_path(text: str) -> str:
    """A path such as /faces, without a slash at its end; "" for none."""
    path = text.rstrip("/")
    if path and not re.fullmatch(r"(/[\w.~-]+)+", path, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not a path: give one such as /faces.")
    return path


def share_server(text: str) -> str:
    """HOST:PORT of a server that speaks frp."""
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"[\w.-]+", host):
        raise argparse.ArgumentTypeError(f"{text!r} is not a server: give it as HOST:PORT.")
    return f"{host}:{port_number(port)}"


def user_and_password(text: str) -> tuple[str, str]:
    """Both sides of the first colon."""
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
            if host == "::" and socket.has_dualstack_ipv6():
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            probe.bind(address)
    except (socket.gaierror, UnicodeError):  # UnicodeError: no name of a host at all
        return f"The host {host!r} is not known: use --host 127.0.0.1 or 0.0.0.0."
    except OSError as error:
        foreign = error.errno == errno.EADDRNOTAVAIL
        advice = "use --host 127.0.0.1 or 0.0.0.0" if foreign else "choose another with --port"
        return f"Port {port} on {host} cannot be used ({error.strerror}): {advice}."
    return None


def serve(flags: argparse.Namespace, operator: Operator | None, folder: Path) -> int:
    """Build the page and serve it until a signal comes; ``folder`` is where uploads go."""
    stopped, up = threading.Event(), threading.Event()

    def stop(*_: object) -> None:
        stopped.set()
        if not up.is_set():  # on a busy machine the start takes a while
            raise SystemExit(0)

    hung_up = getattr(signal, "SIGHUP", signal.SIGTERM)  # the terminal was closed; not on Windows
    for number in (signal.SIGINT, signal.SIGTERM, hung_up):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, stop)

    from gender_demo.vision.pipeline import leave_room, load_pipeline
    from gender_demo.web.logs import redact_tracebacks
    from gender_demo.web.middleware import Traffic

    redact_tracebacks()
    leave_room()
    try:
        pipeline = load_pipeline(flags.checkpoint, flags.device)
        pipeline.warm_up()
        from gender_demo.web.listening import listen_on_both
        from gender_demo.web.page import build_page, launch_options
        from gender_demo.web.safe_blocks import forgive_closed_sessions, outlive_deletions

        listen_on_both()
        forgive_closed_sessions()
        outlive_deletions()
        page = build_page(pipeline, operator)
    except (CheckpointError, DeviceError) as error:
        return fail(str(error))
    traffic = Traffic(folder, flags.root_path)
    host = f"[{flags.host}]" if ":" in flags.host else flags.host
    try:
        with redirect_stdout(io.StringIO()):  # gradio's own words about the link
            *_, share_url = page.launch(
                server_name=host, server_port=flags.port, root_path=flags.root_path,
                share=flags.share, share_server_address=flags.share_server, auth=flags.auth,
                prevent_thread_lock=True, quiet=True, **launch_options(traffic),
            )  # fmt: skip
    except Exception as error:  # whatever gradio meets on a machine that is not as it expects
        said = f"The page cannot be served on {host}:{flags.port} ({error}).".replace("\n", " ")
        return fail(check_port(flags.host, flags.port) or said)  # taken meanwhile, perhaps
    with suppress(OSError):  # whoever reads it has gone, or the disk is full
        tell_addresses(flags, share_url)
    up.set()
    stopped.wait()
    traffic.drain(DRAIN_S)
    page.server.config.timeout_graceful_shutdown = 1
    page.close(verbose=False)
    return 0


def tell_addresses(flags: argparse.Namespace, share_url: str | None) -> None:
    """Print where the page is."""
    own = {"0.0.0.0": "localhost", "::": "localhost" if socket.has_dualstack_ipv6() else "[::1]"}
    host = own.get(flags.host, f"[{flags.host}]" if ":" in flags.host else flags.host)
    address = f"http://{host}:{flags.port}{flags.root_path}/"
    print(f"The page is at {address} (stop with Ctrl+C).", flush=True)
    if share_url and flags.share_server:
        print(f"Until this stops, or {flags.share_server} ends it, also at {share_url}", flush=True)
    elif share_url:
        print(f"Until this stops, for up to a week if gradio's service lives, also at {share_url}",
              flush=True)  # fmt: skip
    elif flags.share:
        print(
            "There is no public link: the share service cannot be reached. Is there internet? "
            "The page is served here all the same.",
            flush=True,
        )


def fail(sentence: str) -> int:
    """Print what is wrong; the exit code that says so."""
    print(printable(sentence), file=sys.stderr)
    return 2


def leave(code: int) -> None:
    """End the process now: taking torch apart can last longer than the seconds it is given."""
    atexit._run_exitfuncs()  # noqa: SLF001 - ends the share link's own process; has no other name
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError):  # closed, or on a disk that is full
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
