"""python -m gender_demo deploy USER/SPACE: stage a few named files, check them, publish, wait.

What may be uploaded is listed, so that nothing that happens to lie in the folder goes along.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gender_demo.cli.codes import DONE
from gender_demo.cli.space_settings import read_settings
from gender_demo.cli.upload import Bundle, check_name, check_weights, hub_client
from gender_demo.errors import DeployError
from gender_demo.operator import (
    CONTACT_VARIABLE,
    NAME_VARIABLE,
    Operator,
    read_operator,
    require_operator,
)

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = "checkpoints/resnet29-fairface"
ROOMS = ("vision", "tracking", "drawing", "audit", "files", "explain", "video", "web")
"""What serves the page; ``cli``, which deploys it, stays at home."""
STAGED = (
    *("README.md", "LICENSE", "ATTRIBUTION.md", "SECURITY.md", "app.py", "requirements.txt"),
    *("docs/*.jpg", "gender_demo/__init__.py", "gender_demo/[!_]*.py"),
    *(f"gender_demo/{room}/*.py" for room in ROOMS),
    *("gender_demo/audit/*.css", "gender_demo/audit/*.json"),
    *(f"gender_demo/web/static/*.{kind}" for kind in ("css", "html", "js", "md")),
    *("gender_demo/web/static/js/*.js", "gender_demo/web/static/examples/*.jpg"),
    "gender_demo/web/static/images/*.svg",
    *(f"{CHECKPOINT}/{name}" for name in ("README.md", "config.json", "audit.json")),
    f"{CHECKPOINT}/model.safetensors",
)
OPTIONAL = ("docs/*.jpg", "gender_demo/audit/*.json", f"{CHECKPOINT}/audit.json")

PATIENCE_S, ASK_EVERY_S = 1800.0, 5.0
FAILED_STAGES = ("NO_APP_FILE", "CONFIG_ERROR", "BUILD_ERROR", "RUNTIME_ERROR", "DELETING")
SLEEPING_STAGES = ("PAUSED", "STOPPED")


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """The command and its flags."""
    command = commands.add_parser(
        "deploy",
        help="publish the page as a Hugging Face Space, or update it",
        description="Uploads a fixed list of files, waits for the build and prints the address.",
    )
    command.add_argument("space", metavar="USER/SPACE")
    command.add_argument("--dry-run", action="store_true", help="only list what would be uploaded")
    command.add_argument("--private", action="store_true", help="only for you")
    command.add_argument("--hardware", metavar="NAME", help="t4-small, say (default: free CPU)")
    command.add_argument("--operator", metavar="NAME", help="who runs the page, shown on it")
    command.add_argument(
        "--contact", metavar="URL", help="how to reach them: https://... or a mail address"
    )
    command.add_argument(
        "--no-operator", action="store_true", help="publish without saying who runs the page"
    )
    command.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Deploy, or list what would be uploaded; returns the exit code."""
    check_name(flags.space, "Space's", "USER/SPACE")
    check_hardware(flags.hardware)
    operator = read_operator(flags.operator, flags.contact)
    if flags.dry_run:
        print(prepare().describe())
        return DONE
    require_operator(operator, waived=flags.no_operator or flags.private)
    settings = SpaceOptions(flags.private, flags.hardware, operator)
    address = deploy(flags.space, settings)
    print(f"The page is at {address}")
    return DONE


@dataclass(frozen=True)
class SpaceOptions:
    """Who may see the Space, what it runs on (None: the free CPU) and whom it names."""

    private: bool = False
    hardware: str | None = None
    operator: Operator | None = None


def prepare(root: Path = ROOT) -> Bundle:
    """Find and check everything that would be published; raises DeployError."""
    files = []
    for pattern in STAGED:
        found = sorted(
            path
            for path in root.glob(pattern)
            if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
        )
        if not found and pattern not in OPTIONAL:
            raise DeployError(f"{root / pattern} is missing: deploy from a whole clone.")
        files += [path.relative_to(root) for path in found]
    settings = read_settings(root)
    check_weights(root / CHECKPOINT)
    return Bundle(root, tuple(files), settings)


def deploy(space: str, options: SpaceOptions, report: Callable[[str], None] = print) -> str:
    """Create or update the Space and wait until it runs; its address. Raises DeployError."""
    bundle = prepare()
    with hub_client(space) as api, bundle.staged() as folder:
        return _publish(api, folder, space, options, report)


def _publish(
    api: Any,
    folder: Path,
    space: str,
    options: SpaceOptions,
    report: Callable[[str], None],
) -> str:
    exists = api.repo_exists(space, repo_type="space")
    if not exists:
        api.create_repo(
            space,
            repo_type="space",
            space_sdk="gradio",
            private=options.private,
            space_hardware=options.hardware,
        )
    if options.operator:
        api.add_space_variable(space, NAME_VARIABLE, options.operator.name)
        api.add_space_variable(space, CONTACT_VARIABLE, options.operator.contact)
    report(f"{'Updating' if exists else 'Created'} {space}; uploading.")
    commit = api.upload_folder(
        repo_id=space,
        repo_type="space",
        folder_path=folder,
        commit_message="Deploy",
        delete_patterns="*",
    )
    if exists and options.private:
        api.update_repo_settings(space, repo_type="space", private=True)
    if exists and options.hardware:
        api.request_space_hardware(space, options.hardware)
    report("Uploaded; waiting for the build.")
    wait_until_running(api, space, commit.oid, report)
    return f"{api.endpoint}/spaces/{space}"


def wait_until_running(
    api: Any,
    space: str,
    commit: str,
    report: Callable[[str], None] = print,
    patience_s: float = PATIENCE_S,
) -> None:
    """Return when the Space runs this commit; DeployError when it fails or takes too long."""
    end, last = time.monotonic() + patience_s, ""
    while time.monotonic() < end:
        runtime = api.get_space_runtime(space)
        stage_now = str(getattr(runtime.stage, "value", runtime.stage))
        if stage_now != last:
            report(f"The Space is {stage_now.lower().replace('_', ' ')}.")
            last = stage_now
        if stage_now == "RUNNING" and runtime.raw.get("sha", commit) == commit:
            return
        where = f"{api.endpoint}/spaces/{space}"
        if stage_now in FAILED_STAGES:
            said = str(runtime.raw.get("errorMessage") or "no reason given").splitlines()[0]
            raise DeployError(f"The Space failed ({said}): its log is at {where}?logs=build.")
        if stage_now in SLEEPING_STAGES:
            raise DeployError(f"The Space is {stage_now.lower()}: restart it at {where}/settings.")
        time.sleep(ASK_EVERY_S)
    raise DeployError(f"The Space was not running after {patience_s / 60:.0f} minutes: look there.")


def check_hardware(hardware: str | None) -> None:
    """DeployError unless the Hub has such hardware."""
    from huggingface_hub import SpaceHardware

    known: Sequence[str] = [kind.value for kind in SpaceHardware if not is_lent(kind.value)]
    if hardware is not None and is_lent(hardware):
        raise DeployError(
            f"{hardware!r} lends its GPU to single calls of up to a minute, which a live view "
            "cannot ask for: leave --hardware out, or rent a GPU such as t4-small."
        )
    if hardware is not None and hardware not in known:
        raise DeployError(f"{hardware!r} is no hardware of the Hub: use {', '.join(known)}.")


def is_lent(hardware: str) -> bool:
    """Whether this is ZeroGPU, in any size."""
    return hardware.lower().startswith("zero")
