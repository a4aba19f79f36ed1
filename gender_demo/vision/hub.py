"""fetch(): hf:USER/MODEL[@revision] -> a checkpoint folder in huggingface_hub's own cache.

Only a checkpoint's four files are downloaded, none of which holds code. What was fetched once works
without network; with a whole commit as revision, the Hub is not even asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gender_demo.errors import CheckpointError, GenderDemoError
from gender_demo.vision.checkpoint_files import (
    AUDIT,
    CARD,
    CONFIG,
    WEIGHTS,
    stated_hash,
    weights_match,
)

PREFIX = "hf:"
PART = r"[A-Za-z0-9]([\w.-]{0,94}\w)?"
REPOSITORY = re.compile(rf"(?!.*(--|\.\.|\.git$|\.ipynb$)){PART}/{PART}", re.ASCII)
"""What the Hub takes for a name."""
REVISION = re.compile(r"[\w./-]+", re.ASCII)

CONNECTION = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"),
)
"""Variables that say how to connect, in either case."""


def is_hub_name(name: object) -> bool:
    """Whether a flag's value names a model on the Hub rather than a folder."""
    return isinstance(name, str | Path) and str(name).startswith(PREFIX)


def fetch(name: str | Path) -> Path:
    """The folder with the files of ``hf:USER/MODEL[@revision]``, downloaded where they are not
    there yet; CheckpointError with one sentence where that cannot be had."""
    name = name.as_posix() if isinstance(name, Path) else name
    repository, at, revision = name.removeprefix(PREFIX).partition("@")
    if not REPOSITORY.fullmatch(repository) or (at and not REVISION.fullmatch(revision)):
        raise CheckpointError(f"{name!r} names no model: give it as hf:USER/MODEL[@revision].")
    with _one_sentence(name):
        folder = _download_config(repository, revision or "main").parent
        if stated_hash(folder) is None:
            raise CheckpointError(
                f"{name} is no checkpoint of this program: its {CONFIG} states no classes or no "
                "hash; give a model that `python -m gender_demo publish` has written."
            )
        _download_rest(repository, folder)
    return folder


def origin(folder: Path) -> str:
    """Where a checkpoint came from: ``hf:USER/MODEL@1a2b3c4`` if ``fetch`` returned its folder,
    else the folder's name."""
    *_, repository, snapshots, name = ("", "", *folder.resolve().parts)
    if snapshots != "snapshots" or not repository.startswith("models--"):
        return name
    user_and_model = repository.removeprefix("models--").replace("--", "/", 1)
    return f"{PREFIX}{user_and_model}@{name[:7]}"


def _download_config(repository: str, revision: str) -> Path:
    from huggingface_hub import (
        get_hf_file_metadata,
        hf_hub_download,
        hf_hub_url,
        try_to_load_from_cache,
    )

    if try_to_load_from_cache(repository, CONFIG, revision=revision) is None:
        # Fails at once where hf_hub_download would try again for half a minute.
        get_hf_file_metadata(hf_hub_url(repository, CONFIG, revision=revision))
    return Path(hf_hub_download(repository, CONFIG, revision=revision))


def _download_rest(repository: str, folder: Path) -> None:
    """``folder`` is named after the commit, so that all files are of the same one."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError

    commit = folder.name
    for optional in (AUDIT, CARD):
        if try_to_load_from_cache(repository, optional, revision=commit) is None:
            with suppress(EntryNotFoundError):
                hf_hub_download(repository, optional, revision=commit)
    hf_hub_download(repository, WEIGHTS, revision=commit)
    if not weights_match(folder):  # damaged on this disk, perhaps
        hf_hub_download(repository, WEIGHTS, revision=commit, force_download=True)
    if not weights_match(folder):
        raise CheckpointError(
            f"{WEIGHTS} of {PREFIX}{repository}@{commit[:7]} does not match the hash in its "
            f"{CONFIG}: ask its owner to mend it, or name another revision with @."
        )


@contextmanager
def variables_told(raised: type[GenderDemoError]) -> Iterator[None]:
    """What is raised where the Hub's client can do nothing with the variables of this machine, as
    one sentence; all else passes through."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, GenderDemoError) and (why := _why_no_client()):
            raise raised(why) from None
        raise


def _why_no_client() -> str | None:
    """What is wrong with the token or with variables of connections; None where they can be used.
    A client reads them all as it is made."""
    import httpx
    from huggingface_hub import get_token

    if not (get_token() or "").isascii():
        return "The token has letters that no token of the Hub has: run `hf auth login` again."
    try:
        httpx.Client().close()
    except Exception as error:  # of TLS, of addresses, of a proxy's kind
        named = sorted(name for name in os.environ if name.upper() in CONNECTION)
        why = str(error).partition(". ")[0].rstrip(".") or type(error).__name__
        return f"No connection can be made ({why}): mend or unset {' or '.join(named)}."
    return None


@contextmanager
def _one_sentence(name: str) -> Iterator[None]:
    """What the Hub's client raises, as CheckpointError."""
    import httpx
    from huggingface_hub import constants, errors

    repository = name.removeprefix(PREFIX).partition("@")[0]
    host = constants.ENDPOINT
    try:
        with variables_told(CheckpointError):
            yield
    except errors.GatedRepoError:
        reason = f"asks for consent first: give it at {host}/{repository}, then run `hf auth login`"
    except errors.RepositoryNotFoundError:
        reason = f"is not at {host}, or is private: check the name, or run `hf auth login`"
    except errors.RevisionNotFoundError:
        reason = "is no revision of that model: give a branch, a tag or a commit after the @"
    except errors.RemoteEntryNotFoundError:
        reason = f"is no checkpoint of this program: it does not hold {CONFIG} and {WEIGHTS}"
    except errors.HfHubHTTPError as error:
        reason = f"cannot be had: the Hub answered {error.response.status_code}"
    except (httpx.HTTPError, ConnectionError, errors.LocalEntryNotFoundError) as error:
        reason = (
            f"was not fetched before, and {host} cannot be reached ({type(error).__name__}): "
            "look at your connection"
        )
    except OSError as error:
        reason = (
            f"cannot be kept ({error.strerror or error}): make room, or let HF_HOME name a disk"
        )
    else:
        return
    raise CheckpointError(f"{name} {reason}.") from None
