"""The layout ``celeba``: ``list_attr_celeba.txt`` and the pictures, in folders or archives."""

from __future__ import annotations

from gender_demo.errors import LayoutError
from train.data.readers.base import Options, left_out
from train.data.records import SPLITS, TRAIN, Reading, Record
from train.data.tree import Tree

ATTRIBUTES = "list_attr_celeba.txt"
PARTITION, IDENTITY = "list_eval_partition.txt", "identity_CelebA.txt"
"""Both may be missing."""


def read_celeba(tree: Tree, options: Options) -> Reading:
    """Any attribute as the label; the official partition where its file is there."""
    text = tree.text(ATTRIBUTES)
    if text is None:
        raise LayoutError(f"{tree.root} has no {ATTRIBUTES}")
    _, header, *lines = text.splitlines() or ["", ""]
    attributes = header.split()
    if options.attribute not in attributes:
        raise LayoutError(
            f"{ATTRIBUTES} has no attribute {options.attribute!r}: use --attribute with one of "
            f"{', '.join(attributes)}"
        )
    at = attributes.index(options.attribute) + 1
    partition, identity = _pairs(tree, PARTITION), _pairs(tree, IDENTITY)
    records, malformed = [], []
    for line in lines:
        values = line.split()
        if len(values) != len(attributes) + 1 or values[at] not in ("1", "-1"):
            malformed.extend([line[:40]] if values else [])
            continue
        name = values[0]
        records.append(
            Record(
                path=name,
                content=tree.find(name),
                labels=_label(options.attribute, values[at] == "1"),
                split=SPLITS.get(partition.get(name, "0"), TRAIN),
                identity=identity.get(name),
            )
        )
    return Reading(records, left_out(f"lines of {ATTRIBUTES} are malformed", malformed))


def _label(attribute: str, yes: bool) -> dict[str, str]:
    if attribute == "Male":
        return {"gender": "male" if yes else "female"}
    name = attribute.replace("_", " ").lower()
    return {"label": name if yes else f"not {name}"}


def _pairs(tree: Tree, name: str) -> dict[str, str]:
    lines = (tree.text(name) or "").splitlines()
    return dict(parts for line in lines if len(parts := line.split()) == 2)
