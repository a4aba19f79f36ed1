"""What a run looks like, as PNG files in its folder and pictures in TensorBoard."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from gender_demo.vision.checkpoint import write_file
from train.data.crops import Crops
from train.data.sheets import contact_sheet
from train.fit.augment import MEAN, STD
from train.fit.epoch_log import EpochMetrics, read_metrics
from train.fit.holdout import HoldoutPredictions

SHOWN = 32


def show_batch(pictures: Tensor, out: Path, writer: SummaryWriter) -> None:
    """The first pictures of a step just as the network gets them, written to the run folder."""
    _write(batch_sheet(pictures), out, "show_batch", writer, 0)


def batch_sheet(pictures: Tensor) -> Image.Image:
    """Up to 32 normalised pictures (n, 3, side, side) on one sheet."""
    shown = pictures[:SHOWN].cpu() * torch.tensor(STD).view(1, 3, 1, 1)
    shown = ((shown + torch.tensor(MEAN).view(1, 3, 1, 1)).clamp(0, 1) * 255).round().byte()
    tiles = [(Image.fromarray(one.permute(1, 2, 0).numpy()), "") for one in shown]
    return contact_sheet(tiles)


def after_epoch(
    predictions: HoldoutPredictions, crops: Crops, out: Path, writer: SummaryWriter, step: int
) -> None:
    """Learning curves, confusion matrix and the faces with the highest losses."""
    _write(_curves(read_metrics(out)), out, "learning_curves", writer, step)
    _write(_confusion(predictions), out, "confusion", writer, step)
    _write(_top_losses(predictions, crops), out, "top_losses", writer, step)


def rates(rates: Sequence[float], losses: Sequence[float], suggested: float, out: Path) -> Path:
    """The learning-rate finder's curve; returns its file."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(rates, losses)
    axes.axvline(suggested, linestyle="--", color="black", label=f"{suggested:.1e}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss, smoothed")
    axes.legend()
    path = out / "lr_finder.png"
    figure.savefig(path)
    return path


def _curves(metrics: Sequence[EpochMetrics]) -> Image.Image:
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [row.epoch for row in metrics]
    left.plot(epochs, [row.train_loss for row in metrics], "o-", label="training")
    left.plot(epochs, [row.loss for row in metrics], "s--", label="held out")
    right.plot(epochs, [row.error_rate for row in metrics], "s--", label="held out")
    for axes, name in ((left, "loss"), (right, "error rate")):
        axes.set(xlabel="epoch", ylabel=name, ylim=(0, None))
        axes.legend()
    return _picture(figure)


def _confusion(predictions: HoldoutPredictions) -> Image.Image:
    guess, count = predictions.probabilities().argmax(1), len(predictions.classes)
    cells = torch.bincount(predictions.target * count + guess, minlength=count**2)
    table = cells.view(count, count)
    share = table / table.sum(1, keepdim=True).clamp(min=1)
    figure = Figure(figsize=(2 + count, 1.6 + count), layout="constrained")
    axes = figure.subplots()
    axes.imshow(share.numpy(), cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="predicted", ylabel="labelled")
    axes.set_xticks(range(count), predictions.classes, rotation=30, ha="right")
    axes.set_yticks(range(count), predictions.classes)
    for i in range(count):
        for j in range(count):
            words = f"{int(table[i, j])}\n{100 * float(share[i, j]):.0f} %"
            dark = float(share[i, j]) > 0.5
            axes.text(j, i, words, ha="center", va="center", color="white" if dark else "black")
    return _picture(figure)


def _top_losses(predictions: HoldoutPredictions, crops: Crops) -> Image.Image:
    losses, probabilities = predictions.losses(), predictions.probabilities()
    order = losses.argsort(descending=True)[:SHOWN].tolist()
    tiles, wrong = [], []
    for n, i in enumerate(order):
        guess, label = int(probabilities[i].argmax()), int(predictions.target[i])
        if guess != label:
            wrong.append(n)
        words = (
            f"label {predictions.classes[label]}\npredicted {predictions.classes[guess]} "
            f"{100 * float(probabilities[i, guess]):.0f} %\nloss {float(losses[i]):.2f}"
        )
        tiles.append((Image.fromarray(crops.pixels[i].cpu().numpy()), words))
    return contact_sheet(tiles, alarm=wrong)


def _picture(figure: Figure) -> Image.Image:
    packed = io.BytesIO()
    figure.savefig(packed, format="png", dpi=110)
    return Image.open(packed).convert("RGB")


def _write(picture: Image.Image, out: Path, name: str, writer: SummaryWriter, step: int) -> None:
    packed = io.BytesIO()
    picture.save(packed, "PNG")
    write_file(out / f"{name}.png", packed.getvalue())
    writer.add_image(name, np.asarray(picture), step, dataformats="HWC")
