"""The public-domain face network that a run may start from: dlib's, as a torch module.

Its file holds layers in the order from input to output, tagged ``con_4`` (weights out x in x h x w,
then biases), ``affine_`` (gamma, then beta) and ``fc_2`` (two integers, then 256 x 128 weights). A
tensor is its version and four dimensions, each an integer of one count byte and that many
little-endian bytes, then raw little-endian float32.
"""

from __future__ import annotations

import re
from typing import TypeVar

import torch
from torch import Tensor, nn

from gender_demo.vision.networks import DlibResNet
from train.fit.augment import MEAN, STD
from train.fit.face_weights import read_weights

DLIB_MEAN = (122.782 / 255, 117.001 / 255, 104.298 / 255)
DLIB_STD = (256 / 255,) * 3
"""dlib's normalisation, of RGB in 0 to 1."""
LAYER = re.compile(rb"\x01(?:\x05(con)_4|\x07(affine)_|\x04(fc)_2)")

Module = TypeVar("Module", bound=nn.Module)


@torch.no_grad()
def load_face_network() -> DlibResNet:
    """dlib's own network with its 128 outputs, in eval mode, for RGB normalised by ``augment``.

    Each affine layer is a batch norm of mean 0 and variance 1. DataError where the weights are
    missing or not the known ones.
    """
    convolutions, affines, linear = _read_layers(read_weights())
    net = DlibResNet().eval()
    pairs = zip(_modules(net, nn.Conv2d), _modules(net, nn.BatchNorm2d), strict=True)
    for (conv, norm), both, affine in zip(pairs, convolutions, affines, strict=True):
        weights, bias = torch.split(both, [conv.weight.numel(), conv.out_channels])
        gamma, beta = affine.chunk(2)
        conv.weight.copy_(weights.view_as(conv.weight))
        norm.weight.copy_(gamma)
        norm.bias.copy_(gamma * bias + beta)  # the convolutions here have no biases
        norm.get_buffer("running_var").fill_(1 - norm.eps)
    net.fc.weight.copy_(linear.view(256, 128).T)
    net.fc.bias.zero_()
    _fold_normalisation(net)
    return net


@torch.no_grad()
def measure_norms(net: nn.Module, pictures: Tensor) -> None:
    """Give each batch norm the mean and variance of its inputs, and the weights that keep the
    network's function: only so can it be trained on.

    ``pictures``: normalised RGB (n, 3, side, side), some hundred. ``net`` is left in eval mode.
    """
    hooks = [norm.register_forward_pre_hook(_measure) for norm in _modules(net, nn.BatchNorm2d)]
    net.eval()(pictures)
    for hook in hooks:
        hook.remove()


def _measure(norm: nn.Module, inputs: tuple[Tensor]) -> None:
    """From y = gamma * x + beta to the same function around the inputs' own mean and variance."""
    assert isinstance(norm, nn.BatchNorm2d)
    running_mean, running_var = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    var, mean = torch.var_mean(inputs[0].float(), (0, 2, 3))
    gamma = norm.weight / (running_var + norm.eps).sqrt()
    beta = norm.bias - gamma * running_mean
    running_mean.copy_(mean)
    running_var.copy_(var)
    norm.weight.copy_(gamma * (var + norm.eps).sqrt())
    norm.bias.copy_(beta + gamma * mean)


def _fold_normalisation(net: DlibResNet) -> None:
    """From dlib's mean and deviation to MEAN and STD: exact, as the first layer pads nothing."""
    mean, std, own_mean, own_std = (
        torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD, DLIB_MEAN, DLIB_STD)
    )
    shift = (net.conv1.weight * (mean - own_mean) / own_std).sum((1, 2, 3))
    net.bn1.bias.add_(net.bn1.weight * shift)
    net.conv1.weight.mul_(std / own_std)


def _read_layers(content: bytes) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Flat tensors of the convolutions, of the affine layers, and of the linear layer."""
    convolutions: list[Tensor] = []
    affines: list[Tensor] = []
    linear = torch.empty(0)
    for layer in LAYER.finditer(content):
        if layer[1]:
            convolutions.append(_read_tensor(content, layer.end()))
        elif layer[2]:
            affines.append(_read_tensor(content, layer.end()))
        else:
            linear = _read_tensor(content, _skip(content, _skip(content, layer.end())))
    return convolutions, affines, linear


def _skip(content: bytes, at: int) -> int:
    """Where the integer at ``at`` ends."""
    return at + 1 + (content[at] & 0x0F)


def _read_tensor(content: bytes, at: int) -> Tensor:
    at = _skip(content, at)  # its version
    count = 1
    for _ in range(4):
        end = _skip(content, at)
        count *= int.from_bytes(content[at + 1 : end], "little")
        at = end
    return torch.frombuffer(bytearray(content[at : at + 4 * count]), dtype=torch.float32)


def _modules(net: nn.Module, kind: type[Module]) -> list[Module]:
    return [module for module in net.modules() if isinstance(module, kind)]
