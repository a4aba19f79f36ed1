"""Teachers that never saw a face tell the student about it; export reads what comes out."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from gender_demo.vision.checkpoint import load_checkpoint
from gender_demo.vision.networks import DLIB, build_network
from tests.support.prepared import draw_people, prepare_people
from train.__main__ import main
from train.data.crops import Crops, load_crops
from train.fit.cross_fit.batches import Batches
from train.fit.cross_fit.folds import Folded, fold, read_groups
from train.fit.cross_fit.learner import batch_loss, blend
from train.fit.cross_fit.out_of_sample import contradictions, probabilities, subset
from train.fit.small_faces import SmallFaces, load_small_faces

FOLDS, PX = 2, 104
CLASSES: dict[str, tuple[str, ...]] = {"gender": ("female", "male"), "age": ("old", "young", "x")}


def small_file(path: Path, label: str, values: tuple[str, ...]) -> Path:
    images = []
    for i in range(12):
        packed = io.BytesIO()
        Image.fromarray(np.full((32, 32), 20 * i, np.uint8)).save(packed, "PNG")
        images.append({"bytes": packed.getvalue(), "path": f"{i}.png"})
    columns = {"image": images, "group": [f"small {i // 2}" for i in range(12)]}
    pq.write_table(pa.table({**columns, label: [values[i % 2] for i in range(12)]}), path)
    return path


@pytest.fixture(scope="module")
def data(
    tmp_path_factory: pytest.TempPathFactory, draw_portrait: Callable[..., Image.Image]
) -> Path:
    """A prepared folder of 64 drawn people with and without hats."""
    source = draw_people(tmp_path_factory, draw_portrait, 32)
    return prepare_people(tmp_path_factory, source)


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "hats"
    small = small_file(out.parent / "small.parquet", "label", ("hat", "plain"))
    assert crossfit(data, out, "--small-faces", str(small)) == 0
    return out


def crossfit(data: Path, out: Path, *more: str) -> int:
    flags = f"--folds {FOLDS} --teacher-steps 6 --steps 3 --batch 16 --px {PX} --lr 1e-3"
    flags += " --non-faces 9 --from none --device cpu"
    return main(["crossfit", str(data), "--out", str(out), *flags.split(), *more])


def folded() -> Folded:
    """24 crops in 8 groups, each with two small faces too."""
    count = 24
    pixels = torch.randint(0, 256, (count, 40, 40, 3), dtype=torch.uint8)
    targets = {"gender": torch.arange(count) % 2, "age": torch.arange(count) % 3}
    crops = Crops(pixels, targets, CLASSES, 1.25, "toy")
    groups = [f"group {i % 8}" for i in range(count)]
    rows = np.arange(16)
    small = SmallFaces(subset(crops, rows), 0.0, tuple(f"group {i % 8}" for i in rows))
    return fold(crops, groups, small, pixels[:6], 4, 0)


def test_a_group_is_in_one_fold_with_its_small_faces() -> None:
    data = folded()
    for group in range(8):
        assert len(set(data.fold[group::8])) == 1
    for row in range(16):
        assert data.small_fold[row] == data.fold[row]
    assert sorted(set(data.fold)) == [0, 1, 2, 3]


def test_each_block_is_told_by_the_teacher_that_did_not_see_it() -> None:
    """Teacher i answers class i % 2 of the first label and i % 3 of the other one."""
    data = folded()

    class Sure(nn.Module):
        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

        def forward(self, pictures: Tensor) -> Tensor:
            outputs = torch.zeros(len(pictures), 6)
            outputs[:, [self.number % 2, 2 + self.number % 3]] = 50
            return outputs

    for number in range(4):
        others = [i for i in range(4) if i != number]
        seen = Batches(data, [others], 16, 32, 0.2, 1).draw().rows
        assert number not in data.fold[seen]
    batches = Batches(data, [[i] for i in range(4)], 32, 32, 0.3, 0)
    batch = batches.draw()
    assert batch.pictures.shape == (32, 3, 32, 32)
    assert (data.fold[batch.rows] == np.arange(4)[:, None]).all()
    soft = blend([Sure(i) for i in range(4)], batch, CLASSES, 1.0)
    for number, block in enumerate(soft.split(batch.per_block)):
        assert (block.argmax(1) == number % 2).all()
        assert (block[:, 2:].argmax(1) == number % 3).all()
    assert torch.equal(blend([], batch, CLASSES, 1.0), batch.wanted)
    half = blend([Sure(i) for i in range(4)], batch, CLASSES, 0.5)
    assert torch.allclose(half, (soft + batch.wanted) / 2, atol=1e-6)


def test_a_face_is_mixed_with_those_of_its_block_alone() -> None:
    """Faces of block 0 are female and those of block 1 male: no target lies in between."""
    data = folded()
    for number in range(2):
        rows, small_rows = data.rows([number])
        data.train.targets["gender"][rows] = number
        assert data.small is not None
        data.small.targets["gender"][small_rows] = number
    batch = Batches(data, [[0], [1]], 32, 32, 1.0, 0).draw()
    for number, block in enumerate(batch.wanted.split(batch.per_block)):
        assert torch.allclose(block[:, number], torch.tensor(0.975))


def test_the_loss_asks_non_faces_for_an_even_answer_and_no_age() -> None:
    wanted = torch.tensor([[1.0, 0, 1, 0, 0]])
    face = [30.0, 0, 40, 0, 0, 40]
    best = batch_loss(torch.tensor([face, [0.0, 0, 9, 0, 0, -40]]), wanted, CLASSES)
    assert best == pytest.approx(np.log(2) / 2, abs=1e-4)
    sure = batch_loss(torch.tensor([face, [8.0, 0, 0, 0, 0, -40]]), wanted, CLASSES)
    told = batch_loss(torch.tensor([face, [0.0, 0, 0, 0, 0, 40]]), wanted, CLASSES)
    assert sure > best + 1
    assert told == pytest.approx(float(best) + 0.3 * 40 / 2, abs=1e-3)


def test_contradicted_labels_are_counted_by_group() -> None:
    crops = folded().train
    own = torch.nn.functional.one_hot(crops.target, 2).float()
    own[0] = own[0].flip(0)  # female, old
    counted = contradictions(own, crops)
    assert counted["gender"] == {"female": (1, 12), "male": (0, 12)}
    assert counted["age"]["old"] == (1, 8)
    assert counted["age"]["young"] == (0, 8)


def test_a_run_says_of_each_face_what_the_teacher_says_that_did_not_see_it(
    data: Path, finished: Path
) -> None:
    (train,) = load_crops(data, ["train"])
    paths, groups = read_groups(data, "train")
    table = pq.read_table(finished / "out_of_sample.parquet").to_pydict()
    assert table["path"] == paths
    assert table["labelled"] == [train.served[i] for i in train.target.tolist()]
    small = load_small_faces(finished.parent / "small.parquet", train, (), 0.0)
    expected = fold(train, groups, small, train.pixels[:1], FOLDS, 0)
    assert table["fold"] == expected.fold.tolist()
    written = torch.tensor([table[name] for name in train.served]).T
    for number in range(FOLDS):
        state = torch.load(finished / f"teacher{number}.pt", weights_only=True)["state"]
        net = build_network(DLIB, len(train.served) + 1).eval()
        net.load_state_dict(state)
        found = probabilities(net, train, PX)
        off = (found - written).abs().max(1).values
        assert off[expected.fold == number].max() < 2e-3
        assert off[expected.fold != number].max() > 2e-3


def test_export_reads_the_student(data: Path, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    command = ["export", str(finished / "student.pt"), str(data), "--out", str(out)]
    assert main([*command, "--px", str(PX)]) == 0
    config = load_checkpoint(out).config
    assert (config.arch, config.classes) == (DLIB, ("hat", "plain"))
    assert config.training["steps"] == 3


def test_what_cannot_be_is_said(data: Path, finished: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds a finished run: give another --out"):
        crossfit(data, finished)
    with pytest.raises(SystemExit, match="--px 100: give a multiple of 8 from 104 on"):
        crossfit(data, tmp_path, "--px", "100")
    with pytest.raises(SystemExit, match="too few faces for 80 folds"):
        crossfit(data, tmp_path, "--folds", "80", "--batch", "400")
