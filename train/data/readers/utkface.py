"""The layout ``utkface``: ``[age]_[gender]_[race]_[date&time].jpg``, in any folders."""

from __future__ import annotations

import re

from gender_demo.errors import LayoutError
from gender_demo.vision.pictures import SUFFIXES, clean_name
from train.data.readers.base import Options, left_out
from train.data.records import Reading, Record, age_band
from train.data.tree import Tree

NAME = re.compile(r"(\d{1,3})_([01])_([0-4])_\d{8,17}\.jpe?g(\.chip\.jpg)?", re.IGNORECASE)
GENDERS = ("male", "female")
RACES = ("White", "Black", "Asian", "Indian", "Others")
"""Both in the order of the names' digits."""
OLDEST = 116


def read_utkface(tree: Tree, options: Options) -> Reading:  # noqa: ARG001 - as every Reader
    """Labels from the file names; names of another form are counted and named."""
    pictures = [name for name in tree.files if name.lower().endswith(SUFFIXES)]
    records, malformed = [], []
    for name in pictures:
        match = NAME.fullmatch(name.rpartition("/")[2])
        if match is None or int(match[1]) > OLDEST:
            malformed.append(name)
            continue
        groups = {"age": age_band(int(match[1])), "race": RACES[int(match[3])]}
        label = {"gender": GENDERS[int(match[2])]}
        records.append(Record(name, tree.files[name], label, groups=groups))
    if pictures and not records:
        raise LayoutError(
            f"None of the {len(pictures)} names is of UTKFace's form age_gender_race_date.jpg "
            f"(first: {clean_name(pictures[0])})"
        )
    return Reading(records, left_out("names are not of the form age_gender_race_date", malformed))
