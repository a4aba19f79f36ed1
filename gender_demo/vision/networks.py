"""The networks that a checkpoint can name: torchvision's ResNets and dlib's face ResNet."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad, relu

from gender_demo.errors import CheckpointError

TORCHVISION = ("resnet18", "resnet34", "resnet50")
DLIB, DLIB_PX = "dlib-resnet29", 104
"""dlib's face ResNet, and the smallest pictures that it is used on."""
ARCHITECTURES = (*TORCHVISION, DLIB)

WIDTHS, BLOCKS = (32, 64, 128, 256, 256), (3, 4, 3, 3, 1)
"""Channels and residual blocks of the face ResNet's stages; all but the first halve the side."""


def build_network(arch: str, outputs: int) -> nn.Module:
    """One of ARCHITECTURES with random weights: RGB (n, 3, side, side) -> logits (n, outputs).

    Its last layer is called ``fc``. CheckpointError for another name.
    """
    if arch == DLIB:
        return DlibResNet(outputs)
    if arch not in TORCHVISION:
        raise CheckpointError(
            f"The architecture {arch!r} is not known here: use one of {', '.join(ARCHITECTURES)}."
        )
    import torchvision

    model: nn.Module = getattr(torchvision.models, arch)(num_classes=outputs)
    return model


class DlibResNet(nn.Module):
    """The residual network of dlib's face recognition model (King 2017; half the filters of He et
    al. 2016): 29 convolutions, 5.6 million parameters, made for 150 x 150 pixels.

    dlib's affine layers stand here as batch norms, so that the same module holds the original
    weights and can be fine-tuned.
    """

    def __init__(self, outputs: int = 128) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 7, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.maxpool = nn.MaxPool2d(3, 2)
        inputs = (WIDTHS[0], *WIDTHS)
        self.stages = nn.Sequential(*(_stage(inputs[i], i) for i in range(len(WIDTHS))))
        self.fc = nn.Linear(WIDTHS[-1], outputs)

    def features(self, x: Tensor) -> Tensor:
        """Normalised RGB (n, 3, side, side) -> (n, 256), what the last layer sees."""
        x = self.maxpool(relu(self.bn1(self.conv1(x))))
        pooled: Tensor = self.stages(x).mean((2, 3))
        return pooled

    def forward(self, x: Tensor) -> Tensor:
        """Normalised RGB (n, 3, side, side) -> (n, outputs)."""
        outputs: Tensor = self.fc(self.features(x))
        return outputs


def _stage(inputs: int, number: int) -> nn.Sequential:
    width = WIDTHS[number]
    first = _Block(inputs, width, 2 if number else 1)
    return nn.Sequential(first, *(_Block(width, width, 1) for _ in range(1, BLOCKS[number])))


class _Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut without weights.

    With stride 2 the first convolution has no padding and the shortcut is an average over 2 x 2;
    the smaller of the two is padded with zeros, in channels and on the right and bottom border.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=stride % 2, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, outputs, h / stride, w / stride), rounded down."""
        y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        if self.stride == 1:
            return relu(x + y)
        x = avg_pool2d(x, 2)
        rows, columns = x.shape[2] - y.shape[2], x.shape[3] - y.shape[3]
        y = pad(y, (0, columns, 0, rows))
        return relu(y + pad(x, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1])))
