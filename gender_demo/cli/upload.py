"""What `deploy` and `publish` share: the listed files, their copy, the Hub's client and errors."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gender_demo.errors import DeployError
from gender_demo.vision.checkpoint_files import WEIGHTS, weights_match
from gender_demo.vision.hub import REPOSITORY, variables_told

if TYPE_CHECKING:
    from huggingface_hub import HfApi


@dataclass(frozen=True)
class Bundle:
    """What would be uploaded: paths below ``root``, the settings that go with them, texts that take
    the place of a file's own, and where files lie that are not below ``root``."""

    root: Path
    files: tuple[Path, ...]
    settings: dict[str, object]
    texts: dict[Path, str] = field(default_factory=dict)
    elsewhere: dict[Path, Path] = field(default_factory=dict)

    def source(self, file: Path) -> Path:
        """Where one of ``files`` lies."""
        return self.elsewhere.get(file, self.root / file)

    def read(self, file: Path) -> bytes:
        """One of ``files`` as it would be uploaded."""
        text = self.texts.get(file)
        return self.source(file).read_bytes() if text is None else text.encode()

    def describe(self) -> str:
        """The list that ``--dry-run`` prints: settings, then bytes and name of each file."""
        sizes = [len(self.read(file)) for file in self.files]
        return "\n".join(
            [
                *(f"{key}: {value}" for key, value in self.settings.items()),
                "",
                *(f"{n:>12,}  {f.as_posix()}" for n, f in zip(sizes, self.files, strict=True)),
                f"{sum(sizes):>12,}  bytes in {len(sizes)} files",
            ]
        )

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """A temporary folder with what would be uploaded, and nothing else."""
        with tempfile.TemporaryDirectory() as name:
            for file in self.files:
                target = Path(name) / file
                target.parent.mkdir(parents=True, exist_ok=True)
                if file in self.texts:
                    target.write_bytes(self.read(file))
                else:
                    shutil.copyfile(self.source(file), target)
            yield Path(name)


def refuse_home(bundle: Bundle, files: Iterable[Path]) -> None:
    """DeployError where a text among ``files`` names the home folder of who uploads it."""
    home = str(Path.home())
    for file in files:
        if file.name != WEIGHTS and len(home) > 1 and home.encode() in bundle.read(file):
            raise DeployError(
                f"{bundle.source(file)} names your folder {home}: train and measure with relative "
                "paths, or edit it, since everybody could read that."
            )


@contextmanager
def hub_client(repository: str) -> Iterator[HfApi]:
    """The Hub's client for writing to a repository; what it raises becomes DeployError."""
    import httpx
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError

    if get_token() is None:
        raise DeployError("Log in first: run `hf auth login`, or set HF_TOKEN to a write token.")
    api = HfApi()
    try:
        with variables_told(DeployError):
            yield api
    except HfHubHTTPError as error:
        code = error.response.status_code
        reasons = {
            401: "The token is not valid: run `hf auth login` again",
            403: f"The token may not write to {repository}: use one with write access",
            402: "The hardware costs money: add a payment method, or leave --hardware out",
        }
        reason = reasons.get(code, f"The Hub refused ({error.server_message or code})")
        raise DeployError(f"{reason}.") from None
    except (httpx.HTTPError, ConnectionError) as error:
        raise DeployError(
            f"{api.endpoint} cannot be reached ({type(error).__name__}): is there internet?"
        ) from None


def check_name(name: str, whose: str, form: str) -> None:
    """DeployError unless this can be a repository's name."""
    if not REPOSITORY.fullmatch(name):
        raise DeployError(f"{name!r} is not a {whose} name: give it as {form}.")


def check_weights(folder: Path) -> None:
    """DeployError where a checkpoint's weights are not those that its config names."""
    if not weights_match(folder):
        raise DeployError(
            f"{folder} has weights that do not match their hash: fetch the folder again."
        )
