"""Pictures that are the same: byte for byte, or after saving again, shrinking or brightening.

Two pictures count as near duplicates when at most MOST_BITS of the 256 bits of their perceptual
hashes (imagehash's ``phash``) differ. Seen on FairFace: copies saved again, halved or brightened
differ by 16 at most, the most alike of 8 million pairs of different faces by 60.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from train.data.faces import CutRow
from train.data.records import TRAIN

MOST_BITS = 24
CHUNK = 1 << 18


def mark_copies(rows: Sequence[CutRow], kept: Sequence[str]) -> None:
    """Change ``reason`` and set ``copy_of`` of all rows that are copies of others.

    Only rows whose reason is in ``kept`` are compared. Of copies under different labels none is
    kept ("two_labels"). Of copies in several splits the one for measuring is kept, not that for
    training ("other_split"). Else the largest face is kept ("duplicate", "near_duplicate").
    """
    looked_at = [row for row in rows if row.reason in kept]
    for indices in find_copies([row.phash for row in looked_at]):
        same = [looked_at[i] for i in indices]
        if len({row.label for row in same}) > 1:
            for row in same:
                row.reason = "two_labels"
                row.copy_of = next(other.path for other in same if other.label != row.label)
            continue
        best = min(same, key=lambda row: (row.split == TRAIN, row.split, -(row.face_px or 0)))
        for row in same:
            if row is best:
                continue
            row.copy_of = best.path
            exact = row.sha256 == best.sha256
            if row.split != best.split:
                row.reason = "other_split"
            else:
                row.reason = "duplicate" if exact else "near_duplicate"


def find_copies(hashes: Sequence[bytes]) -> list[list[int]]:
    """Groups of two or more indices whose 32-byte hashes are (nearly) the same.

    Only pairs that share one of 16 pieces of 16 bits are compared: of pairs that differ by d bits
    all are seen up to d = 15, about 98 % at d = 24.
    """
    if len(hashes) < 2:
        return []
    every = np.frombuffer(b"".join(hashes), np.uint8).reshape(len(hashes), -1)
    bits, inverse = np.unique(every, axis=0, return_inverse=True)
    pieces = np.ascontiguousarray(bits).view(np.uint16).T
    first, second = (np.concatenate(side) for side in zip(*map(_alike, pieces), strict=True))
    close = [np.empty(0, bool)]
    for i in range(0, len(first), CHUNK):
        a, b = first[i : i + CHUNK], second[i : i + CHUNK]
        close.append(np.bitwise_count(bits[a] ^ bits[b]).sum(1) <= MOST_BITS)
    first, second = first[np.concatenate(close)], second[np.concatenate(close)]
    links = coo_matrix((np.ones(len(first)), (first, second)), shape=(len(bits), len(bits)))
    _, group = connected_components(links, directed=False)
    return _groups(group[inverse.reshape(-1)])


def _alike(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of indices with the same value."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first, second = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for apart in range(1, len(values)):
        same = ordered[apart:] == ordered[:-apart]
        if not same.any():
            break
        first.append(order[apart:][same])
        second.append(order[:-apart][same])
    return np.concatenate(first), np.concatenate(second)


def _groups(numbers: np.ndarray) -> list[list[int]]:
    order = np.argsort(numbers, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    return [indices.tolist() for indices in parts if len(indices) > 1]
