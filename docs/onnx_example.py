"""Faces of a picture and how they may be perceived, by numpy, Pillow and onnxruntime alone.

    python -m train export CHECKPOINT --onnx-chain FOLDER
    python docs/onnx_example.py FOLDER PICTURE

Left out are the brightening of dark pictures, the second look where nothing is found, and "unsure".
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession
from PIL import Image

GREY = (127, 127, 127)
JITTERS = [(0.06, 0.06, 1), (-0.06, -0.06, 1), (0, 0, 0.88), (0, 0, 1.12),
           (0.06, -0.06, 1), (-0.06, 0.06, 1), (0, 0, 0.94), (0, 0, 1.06)]  # fmt: skip


class Chain:
    """The four networks of a folder."""

    def __init__(self, folder):
        names = ("pnet", "rnet", "onet", "classifier")
        nets = [InferenceSession(str(Path(folder) / f"{name}.onnx")) for name in names]
        self.pnet, self.rnet, self.onet, self.classifier = nets
        facts = self.classifier.get_modelmeta().custom_metadata_map
        self.classes, self.px = json.loads(facts["classes"]), int(facts["crop_px"])
        self.margin = float(facts["crop_margin"])

    def analyze(self, picture):
        """Of each face of an RGB picture: its box in pixels, and each class's probability."""
        shrink = max(1, max(picture.size) / 1600)
        small = picture.resize([round(n / shrink) for n in picture.size], 2, reducing_gap=2)
        faces = [(box * shrink, points * shrink) for box, points in self.detect(np.array(small))]
        crops = [np.asarray(self.crop(picture, *face)) for face in faces]
        probabilities = run(self.classifier, crops)[0] if crops else ()
        return list(zip([box for box, _ in faces], probabilities, strict=True))

    def detect(self, pixels, scale=12 / 20):
        """Box (4,) and landmarks (2, 5) of each face, in pixels of uint8 (height, width, 3)."""
        boxes, scores, shape = np.empty((0, 4)), np.empty(0), np.array(pixels.shape[:2])
        while min(shape) * scale >= 12:
            small = resize(pixels, *(shape * scale + 1).astype(int))
            (regression,), ((_, probability),) = run(self.pnet, [small])
            row, column = np.nonzero(probability >= 0.6)
            corner = np.stack([column, row], 1) * 2
            # In single precision as torch has it: many cells overlap by one half exactly.
            per = np.tile(shape / small.shape[:2], 2)[::-1].astype(np.float32)
            cells = np.hstack([corner, corner + 12]).astype(np.float32) * per
            keep = nms(cells, probability[row, column], 0.5)
            boxes = np.vstack([boxes, move(cells, regression[:, row, column].T)[keep]])
            scores = np.append(scores, probability[row, column][keep])
            scale *= 0.709
        pieces, boxes = cut(pixels, squares(boxes[nms(boxes, scores, 0.7)]), 24)
        regression, scores = run(self.rnet, pieces)
        keep = np.flatnonzero(scores[:, 1] > 0.7)
        keep = keep[nms(boxes[keep], scores[keep, 1], 0.7)]
        boxes, points, scores = self.locate(pixels, squares(move(boxes, regression)[keep]))
        keep = np.flatnonzero(scores > np.where(areas(boxes) < 40**2, 0.9, 0.7))
        for i in keep[nms(boxes[keep], scores[keep], 0.7, by_minimum=True)]:
            others, marks, sure = self.locate(pixels, squares(boxes[i : i + 1], JITTERS))
            box = np.mean([boxes[i], *others[sure > 0.7]], 0)
            yield box, np.mean([points[i], *marks[sure > 0.7]], 0)

    def locate(self, pixels, boxes):
        """O-Net on boxes (n, 4): boxes, landmarks (n, 2, 5) and scores (n,)."""
        pieces, boxes = cut(pixels, boxes, 48)
        regression, points, scores = run(self.onet, pieces)
        points = points.reshape(-1, 2, 5) * (boxes[:, 2:] - boxes[:, :2])[..., None]
        return move(boxes, regression), points + boxes[:, :2, None], scores[:, 1]

    def crop(self, picture, box, points):
        """The upright square of a face, as the classifier takes it."""
        eyes, mouth = points[:, :2].mean(1), points[:, 3:].mean(1)
        along, down = points[:, 1] - points[:, 0], mouth - eyes
        roll = math.atan2(along[1] - down[0], along[0] + down[1])
        side = math.sqrt(areas(box[None])[0])
        x, y = (box[:2] + box[2:]) / 2 + 0.08 * side * np.array([-math.sin(roll), math.cos(roll)])
        step = side * self.margin / self.px
        shrink = max(1, step)
        picture = picture.resize([round(n / shrink) for n in picture.size], 2)
        a, b, half = step / shrink * math.cos(roll), step / shrink * math.sin(roll), self.px / 2
        turn = (a, -b, x / shrink - (a - b) * half, b, a, y / shrink - (a + b) * half)
        size, affine = (self.px, self.px), Image.Transform.AFFINE
        return picture.transform(size, affine, turn, Image.Resampling.BICUBIC, fillcolor=GREY)


def run(net, pictures):
    """A network's outputs for pictures of one size."""
    return net.run(None, {"pixels": np.stack(pictures).transpose(0, 3, 1, 2)})


def resize(pixels, *shape):
    """Bilinear with anti-aliasing, rounded as torch does it, without which some boxes differ."""
    for axis in (1, 0):
        pixels = pixels.swapaxes(0, axis)
        scale = len(pixels) / shape[axis]
        away = np.arange(len(pixels)) + 0.5 - scale * (np.arange(shape[axis])[:, None] + 0.5)
        weights = (1 - np.abs(away) / max(1, scale)).clip(0)
        weights /= weights.sum(1, keepdims=True)
        unit = 2.0 ** min(22, math.floor(math.log2((2**15 - 0.5) / weights.max())))
        sums = np.floor(weights * unit + 0.5) @ pixels.reshape(len(pixels), -1).astype(float)
        rows = ((sums + unit / 2) // unit).clip(0, 255).astype(np.uint8)
        pixels = rows.reshape(-1, *pixels.shape[1:]).swapaxes(0, axis)
    return pixels


def cut(pixels, boxes, px):
    """Pieces of px x px, and the whole-pixel boxes (n, 4) that they show."""
    pieces, boxes = [], np.floor(boxes + np.array([0, 0, 1, 1])).astype(int)
    for x0, y0, x1, y1 in boxes.tolist():
        piece = Image.new("RGB", (x1 - x0, y1 - y0), GREY)
        inside = Image.fromarray(pixels[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)])
        piece.paste(inside, (max(0, -x0), max(0, -y0)))
        pieces.append(resize(np.array(piece), px, px))
    return pieces, boxes


def nms(boxes, scores, limit, by_minimum=False):
    """Non-maximum suppression: indices kept, best score first."""
    boxes, keep = boxes.astype(float), []
    sizes = areas(boxes)
    for i in np.argsort(-scores, kind="stable"):
        low = np.maximum(boxes[i, :2], boxes[keep, :2])
        both = areas(np.hstack([low, np.minimum(boxes[i, 2:], boxes[keep, 2:])]))
        least, union = np.minimum(sizes[i], sizes[keep]), sizes[i] + sizes[keep] - both
        if (both / (least if by_minimum else union) <= limit).all():
            keep.append(i)
    return np.array(keep, int)


def areas(boxes):
    """Of boxes (n, 4), in square pixels."""
    return (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(1)


def move(boxes, regression):
    """Boxes (n, 4) with each edge moved by ``regression`` (n, 4), in sides."""
    return boxes + regression * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def squares(boxes, jitters=((0, 0, 1),)):
    """Of each box (n, 4) its square, moved and sized by each jitter."""
    jitters, side = np.array(jitters), (boxes[:, 2:] - boxes[:, :2]).max(1)[:, None, None]
    centre = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2 + jitters[:, :2] * side
    half = jitters[:, 2:] * side / 2
    return np.concatenate([centre - half, centre + half], 2).reshape(-1, 4)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    chain = Chain(sys.argv[1])
    for box, probabilities in chain.analyze(Image.open(sys.argv[2]).convert("RGB")):
        named = zip(chain.classes, probabilities, strict=True)
        print(box.round(), ", ".join(f"{name} {share:.3f}" for name, share in named))
