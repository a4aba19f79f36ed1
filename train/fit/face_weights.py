"""Where the public-domain face network's weights are, and whether they are whole.

The package ``face-recognition-models`` 0.3.0 (CC0 1.0, Davis King) holds the file. The package is
never imported: it needs a ``pkg_resources`` that setuptools no longer has. No torch is loaded here.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from importlib.util import find_spec, module_from_spec

from gender_demo.errors import DataError

FACES = "face-recognition-models"
"""What ``--from`` calls these weights: the name of the package."""
PACKAGE, FILE = "face_recognition_models", "models/dlib_face_recognition_resnet_model_v1.dat"
SIZE, SHA256 = 22466066, "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
_INSTALL = "pip install -r train/requirements-face.txt"


def installed() -> bool:
    """Whether the package is there."""
    return find_spec(PACKAGE) is not None


def read_weights() -> bytes:
    """The file's content; DataError where package or file is missing, incomplete or altered."""
    spec = find_spec(PACKAGE)
    if spec is None:
        raise DataError(
            f"--from {FACES} needs a package that is not installed: {_INSTALL}, or give --from "
            "imagenet, a checkpoint folder or none."
        )
    path = files(module_from_spec(spec)) / FILE
    try:
        content = path.read_bytes()
    except OSError:
        raise DataError(f"{path} cannot be read, so install it anew: {_INSTALL}") from None
    if len(content) < SIZE:
        raise DataError(
            f"{path} ends after {len(content)} of {SIZE} bytes, so install it anew: {_INSTALL}"
        )
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DataError(
            f"{path} is altered or of another version, as its SHA-256 shows, so install it anew: "
            f"{_INSTALL}"
        )
    return content
