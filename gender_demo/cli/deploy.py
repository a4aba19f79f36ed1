"""python -m gender_demo deploy USER/SPACE: stage the files listed here, check them, publish, wait.

Pictures are listed one by one, so that none that happens to lie there goes along.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gender_demo.cli.codes import DONE
from gender_demo.cli.space_settings import read_settings
from gender_demo.cli.upload import Bundle, check_name, check_weights, hub_client, refuse_home
from gender_demo.errors import DeployError
from gender_demo.operator import (
    CONTACT_VARIABLE,
    NAME_VARIABLE,
    Operator,
    read_operator,
    require_operator,
)
from gender_demo.sensitive import why_sensitive
from gender_demo.vision.checkpoint_files import AUDIT, CARD, CONFIG, WEIGHTS, stated_classes
from gender_demo.vision.hub import PREFIX, origin
from gender_demo.vision.preflight import (
    CHECKPOINT_HELP,
    CHECKPOINT_VARIABLE,
    SHIPPED,
    check_folder,
)

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("vision", "tracking", "drawing", "audit", "files", "explain", "video", "web")
"""What serves the page; ``cli``, which deploys it, stays at home."""
STAGED = (
    *("README.md", "LICENSE", "ATTRIBUTION.md", "SECURITY.md", "app.py", "requirements.txt"),
    *("docs/page.jpg", "gender_demo/__init__.py", "gender_demo/[!_]*.py"),
    *(f"gender_demo/{room}/*.py" for room in ROOMS),
    "gender_demo/drawing/fonts/*",
    *("gender_demo/audit/*.css", "gender_demo/audit/*.json"),
    *(f"gender_demo/web/static/*.{kind}" for kind in ("css", "html", "js", "md")),
    "gender_demo/web/static/js/*.js",
    *(f"gender_demo/web/static/examples/{name}.jpg" for name in ("astronaut", "solvay_1927")),
    "gender_demo/web/static/images/*.svg",
)
OPTIONAL = ("docs/page.jpg", "gender_demo/audit/*.json")

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
    command.add_argument("--checkpoint", metavar="DIR", help=CHECKPOINT_HELP)
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
    checkpoint = check_folder(flags.checkpoint)
    if flags.dry_run:
        print(prepare(checkpoint=checkpoint).describe())
        return DONE
    require_operator(operator, waived=flags.no_operator or flags.private)
    options = SpaceOptions(flags.private, flags.hardware, operator, checkpoint)
    address = deploy(flags.space, options)
    print(f"The page is at {address}")
    return DONE


@dataclass(frozen=True)
class SpaceOptions:
    """Who may see the Space, its hardware (None: the free CPU), whom it names, what it serves."""

    private: bool = False
    hardware: str | None = None
    operator: Operator | None = None
    checkpoint: Path = SHIPPED

    def variables(self) -> dict[str, str | None]:
        """The Space's variables by name; None: one that must not be there."""
        variables: dict[str, str | None] = {
            CHECKPOINT_VARIABLE: place_of(self.checkpoint).as_posix()
            if self.checkpoint != SHIPPED
            else None
        }
        if self.operator:
            variables[NAME_VARIABLE] = self.operator.name
            variables[CONTACT_VARIABLE] = self.operator.contact
        return variables


def place_of(checkpoint: Path) -> Path:
    """Where a checkpoint folder lies in the Space: ``checkpoints/NAME``."""
    name = origin(checkpoint.resolve()).removeprefix(PREFIX).replace("/", "--")
    return Path("checkpoints", re.sub(r"[^\w.@-]", "_", name, flags=re.ASCII))


def prepare(root: Path = ROOT, checkpoint: Path | None = None) -> Bundle:
    """Find and check everything that would be published; raises DeployError.

    ``checkpoint``: the folder of the model to be served, by default ``root``'s own.
    """
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
    folder = check_folder(checkpoint or root / SHIPPED.relative_to(ROOT))
    check_weights(folder)
    if why := why_sensitive(stated_classes(folder)):
        raise DeployError(f"{why}: a Space with other labels can be published.")
    own = {place_of(folder) / name: folder / name for name in (CARD, CONFIG, AUDIT, WEIGHTS)}
    elsewhere = {target: file for target, file in own.items() if file.is_file()}
    bundle = Bundle(root, (*files, *elsewhere), settings, elsewhere=elsewhere)
    refuse_home(bundle, elsewhere)
    return bundle


def deploy(space: str, options: SpaceOptions, report: Callable[[str], None] = print) -> str:
    """Create or update the Space and wait until it runs; its address. Raises DeployError."""
    bundle = prepare(checkpoint=options.checkpoint)
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
    there = api.get_space_variables(space)
    for name, value in options.variables().items():
        if value is not None:
            api.add_space_variable(space, name, value)
        elif name in there:
            api.delete_space_variable(space, name)
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
