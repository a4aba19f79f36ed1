"""python -m gender_demo publish USER/MODEL: a checkpoint as a model repository on the Hub."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from gender_demo.cli.codes import DONE
from gender_demo.cli.upload import Bundle, check_name, check_weights, hub_client, refuse_home
from gender_demo.errors import DeployError
from gender_demo.vision.checkpoint_files import AUDIT, CARD, CONFIG, WEIGHTS, stated_hash
from gender_demo.vision.preflight import CHECKPOINT_HELP, check_folder

FILES = (CARD, CONFIG, AUDIT, WEIGHTS)
OWN = (*FILES, ".gitattributes")
"""What may lie in a repository that is written over."""


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """The command and its flags."""
    command = commands.add_parser(
        "publish",
        help="share a checkpoint as a model on the Hugging Face Hub",
        description="Uploads card, config, audit and weights, and nothing else; others then give "
        "it as --checkpoint hf:USER/MODEL.",
    )
    command.add_argument("model", metavar="USER/MODEL")
    command.add_argument("--checkpoint", metavar="DIR", help=CHECKPOINT_HELP)
    command.add_argument("--private", action="store_true", help="only for you")
    command.add_argument("--dry-run", action="store_true", help="only list what would be uploaded")
    command.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Publish, or list what would be uploaded; returns the exit code."""
    check_name(flags.model, "model's", "USER/MODEL")
    bundle = prepare(check_folder(flags.checkpoint), flags.model)
    if flags.dry_run:
        print(bundle.describe())
        return DONE
    commit, address = publish(bundle, flags.model, private=flags.private)
    print(f"The model is at {address}")
    print(f"Use it with --checkpoint hf:{flags.model}, or hf:{flags.model}@{commit} for just this.")
    return DONE


def prepare(folder: Path, model: str) -> Bundle:
    """Find and check what would be published; raises DeployError."""
    check_weights(folder)
    files = tuple(Path(name) for name in FILES if (folder / name).is_file())
    settings, card = _read_card(folder)
    bundle = Bundle(folder, files, settings, {Path(CARD): name_in_card(card, model)})
    refuse_home(bundle, files)
    return bundle


def _read_card(folder: Path) -> tuple[dict[str, object], str]:
    """The header as ``--dry-run`` lists it, without the measured figures, and the whole card."""
    from huggingface_hub import metadata_load

    advice = f"run `python -m train card {folder}`"
    try:
        card = (folder / CARD).read_text(encoding="utf-8")
        header = metadata_load(folder / CARD)
    except OSError:
        raise DeployError(f"{folder} has no card ({CARD}): {advice}.") from None
    except Exception as error:  # whatever the YAML reader raises
        reason = str(error).splitlines()[0]
        raise DeployError(f"The card in {folder} cannot be read ({reason}): {advice}.") from None
    if not header or str(stated_hash(folder)) not in card:
        raise DeployError(f"The card in {folder} is not of these weights: {advice}.")
    return {key: value for key, value in header.items() if key != "model-index"}, card


def name_in_card(card: str, model: str) -> str:
    """The card, where it says how to use the model, with its name on the Hub."""
    card = re.sub(r'load_pipeline\((?:"DIR")?\)', f'load_pipeline("hf:{model}")', card)
    command = f"`python app.py --checkpoint hf:{model}`"
    return re.sub(r"`python app\.py(?: --checkpoint DIR)?`", command, card)


def publish(
    bundle: Bundle, model: str, *, private: bool, report: Callable[[str], None] = print
) -> tuple[str, str]:
    """Create or update the repository; its new commit and address. Raises DeployError."""
    with hub_client(model) as api, bundle.staged() as folder:
        exists = api.repo_exists(model)
        if exists and (foreign := sorted(set(api.list_repo_files(model)) - set(OWN))):
            raise DeployError(
                f"{model} holds what is no checkpoint's ({foreign[0]}): choose another name."
            )
        if not exists:
            api.create_repo(model, private=private)
        elif private:
            api.update_repo_settings(model, private=True)
        report(f"{'Updating' if exists else 'Created'} {model}; uploading.")
        commit = api.upload_folder(
            repo_id=model,
            folder_path=folder,
            commit_message="Publish",
            delete_patterns="*",
        )
        return commit.oid, f"{api.endpoint}/{model}"
