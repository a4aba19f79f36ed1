"""The stock way, for comparison: gr.Image streams to a function, which answers a gr.Image."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from facenet_pytorch import MTCNN
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gender_demo.drawing.marks import marks
from gender_demo.drawing.paint import draw
from gender_demo.results import Box, Face
from gender_demo.vision.pipeline import (
    Pipeline,
    load_pipeline,
)


def stock_detect(pictures: Sequence[Image.Image]) -> list[list[Face]]:
    """facenet-pytorch's MTCNN with its defaults, one picture after the other."""
    found = []
    for picture in pictures:
        boxes, scores, points = MTCNN_DEFAULT.detect(picture, landmarks=True)
        found.append(
            []
            if boxes is None
            else [
                Face(
                    Box(*map(float, box)),
                    float(score),
                    tuple((float(x), float(y)) for x, y in five),
                )
                for box, score, five in zip(boxes, scores, points, strict=True)
            ]
        )
    return found


MTCNN_DEFAULT = MTCNN(keep_all=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--checkpoint")
    flags = parser.parse_args()
    loaded = load_pipeline(flags.checkpoint, "cpu")
    pipeline = Pipeline(stock_detect, loaded.classify, loaded.checkpoint)

    def annotate(picture: Image.Image | None) -> Image.Image | None:
        return None if picture is None else draw(picture, marks(pipeline.analyze(picture)))

    with gr.Blocks() as page:
        camera = gr.Image(sources=["webcam"], streaming=True, type="pil")
        answer = gr.Image(type="pil")
        camera.stream(annotate, camera, answer, stream_every=0.03, concurrency_limit=1)
    page.launch(server_port=flags.port, quiet=True)


if __name__ == "__main__":
    main()
