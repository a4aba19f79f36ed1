"""What runs the networks: OpenVINO on a CPU; torch on a GPU and where OpenVINO cannot be loaded.

A backend takes any torch module of pictures and gives back a ``Network``, a plain function of the
same meaning, so that nobody else knows which library computes.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    import openvino

Network = Callable[[Tensor], tuple[Tensor, ...]]
"""RGB pixels (n, 3, height, width), 0 to 255 -> the module's outputs, each (n, ...), float32."""
Engine = Literal["auto", "openvino", "torch"]
Precision = Literal["float32", "bfloat16"]

STREAMS = 2
"""How many callers a network serves at once: live viewers do not wait for somebody's photos."""
PART = 16
"""Larger batches go through in parts of 16, 8, 4, 2 and 1, for which code is made once: faces bring
any number, and each new one would cost milliseconds and memory. In parts they are no slower."""
PART_PIXELS = 1_000_000
"""Pixels of a part, unless one picture has more: P-Net takes 130 bytes for each, and keeps them."""
KEPT_KERNELS = 128
"""So many compiled kernels are kept for pictures of different sizes; 5,000 would be otherwise."""
HINTS = {"float32": "f32", "bfloat16": "bf16"}
MISSING = "OpenVINO cannot be used (%s): the networks run on torch, more slowly."


class Backend(Protocol):
    """One way to run networks. ``name`` says which, with its version."""

    name: str
    folds_norms: bool
    """Whether it folds batch norms into convolutions by itself."""

    def precision(self, least: Precision) -> str:
        """In what a network is computed here that needs at least ``least``."""
        ...

    def load(
        self,
        module: nn.Module,
        example: Tensor,
        *,
        least: Precision = "float32",
        any_size: bool = False,
        part: int = PART,
    ) -> Network:
        """The module (of pixels as in ``Network``) made ready; ``example`` is a small input.

        ``any_size``: height and width differ from call to call. ``part``: how many pictures go
        through together at most, where it is for the backend to say.
        """
        ...


def choose_backend(device: torch.device, engine: Engine = "auto") -> Backend:
    """OpenVINO on a CPU, unless ``engine`` says otherwise, else torch.

    Where OpenVINO cannot be loaded "auto" says so in the log and goes on with torch.
    """
    if engine == "torch" or device.type != "cpu":
        return TorchBackend(device)
    try:
        return OpenVinoBackend(or_torch=engine == "auto")
    except (ImportError, OSError, RuntimeError) as error:
        if engine == "openvino":
            raise
        return _torch_instead(error)


def _torch_instead(error: Exception) -> TorchBackend:
    logging.getLogger(__name__).warning(MISSING, str(error).strip().rpartition("\n")[2])
    return TorchBackend(torch.device("cpu"))


class TorchBackend:
    """Eager torch; half precision on CUDA where bfloat16 would suffice."""

    folds_norms = False

    def __init__(self, device: torch.device) -> None:
        self.name = f"torch {torch.__version__.partition('+')[0]}"
        self._device = device

    def precision(self, least: Precision) -> str:
        """What it computes in where ``least`` suffices."""
        half = least == "bfloat16" and self._device.type == "cuda"
        return "float16" if half else "float32"

    def load(
        self,
        module: nn.Module,
        example: Tensor,  # noqa: ARG002 - torch needs none of these
        *,
        least: Precision = "float32",
        any_size: bool = False,  # noqa: ARG002
        part: int = PART,  # noqa: ARG002
    ) -> Network:
        """The module as it is, on the device, evaluated without gradients."""
        dtype = torch.float16 if self.precision(least) == "float16" else torch.float32
        module = module.eval().to(self._device, dtype).to(memory_format=torch.channels_last)

        def run(pixels: Tensor) -> tuple[Tensor, ...]:
            with torch.inference_mode():
                outputs = module(pixels.to(dtype, memory_format=torch.channels_last))
            return tuple(out.float() for out in _as_tuple(outputs))

        return run


class OpenVinoBackend:
    """OpenVINO on this CPU, with as many threads for each caller as torch would take.

    ``or_torch``: where it cannot compile for this CPU, torch takes over from then on.
    """

    folds_norms = True

    def __init__(self, *, or_torch: bool = False) -> None:
        self._or_torch = or_torch
        self._instead: TorchBackend | None = None
        # OpenVINO counts its uses through Google Analytics unless this package cannot be imported.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino

        self._core = _core()
        capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self._has_bfloat16 = "BF16" in capabilities
        self.name = f"openvino {openvino.__version__.partition('-')[0]}"

    def precision(self, least: Precision) -> str:
        """What it computes in where ``least`` suffices."""
        return least if self._has_bfloat16 and self._instead is None else "float32"

    def load(
        self,
        module: nn.Module,
        example: Tensor,
        *,
        least: Precision = "float32",
        any_size: bool = False,
        part: int = PART,
    ) -> Network:
        """The module, converted in memory with the shapes of ``example``."""
        if self._instead is None:
            try:
                return self._compile(_convert(module.eval(), example, any_size), least, part)
            except RuntimeError as error:
                if not self._or_torch:
                    raise
                self._instead = _torch_instead(error)
                self.name = self._instead.name
        return self._instead.load(module, example)

    def _compile(self, model: openvino.Model, least: Precision, part: int) -> Network:
        compiled = self._core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": HINTS[self.precision(least)],
                "PERFORMANCE_HINT": "LATENCY",
                "NUM_STREAMS": STREAMS,
                "INFERENCE_NUM_THREADS": STREAMS * torch.get_num_threads(),
                "ENABLE_CPU_PINNING": False,
                "CPU_RUNTIME_CACHE_CAPACITY": KEPT_KERNELS,
            },
        )
        return _OpenVinoNetwork(compiled, part)


@cache
def _core() -> openvino.Core:
    """Made once: each one reads OpenVINO's libraries anew."""
    import openvino

    return openvino.Core()


class _OpenVinoNetwork:
    """A compiled network that several threads may call."""

    def __init__(self, compiled: openvino.CompiledModel, part: int) -> None:
        self._compiled, self._part = compiled, part
        self._free: list[openvino.InferRequest] = []  # list.pop and append are atomic

    def __call__(self, pixels: Tensor) -> tuple[Tensor, ...]:
        try:
            request = self._free.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        rows = pixels.permute(0, 2, 3, 1).contiguous()
        part = min(self._part, max(1, PART_PIXELS // (rows.shape[1] * rows.shape[2])))
        sizes = _part_sizes(len(rows), 2 ** (part.bit_length() - 1))
        parts = [infer(request, part) for part in torch.split(rows, sizes)]
        self._free.append(request)
        return parts[0] if len(parts) == 1 else tuple(map(torch.cat, zip(*parts, strict=True)))


def infer(request: openvino.InferRequest, rows: Tensor) -> tuple[Tensor, ...]:
    """One part, bytes (n, height, width, 3) -> the outputs, each (n, ...)."""
    import openvino

    # To hand the pixels to ``infer`` takes a tenth of a small net's time more.
    request.set_input_tensor(openvino.Tensor(rows.numpy(), shared_memory=True))
    request.infer(share_outputs=True)
    outputs = range(len(request.model_outputs))
    return tuple(torch.from_numpy(request.get_output_tensor(i).data.copy()) for i in outputs)


def _part_sizes(count: int, largest: int) -> list[int]:
    """``count`` as a sum of ``largest``, as often as it fits, and of powers of two."""
    whole, rest = divmod(count, largest)
    return [largest] * whole + [2**n for n in reversed(range(rest.bit_length())) if rest & 2**n]


def _convert(module: nn.Module, example: Tensor, any_size: bool) -> openvino.Model:
    """The module as a graph of bytes (n, height, width, 3) with open sizes.

    Traced here because OpenVINO would have the tracing checked, and read by its frontend alone:
    ``openvino.convert_model`` takes twice as long for the same function.
    """
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
    from openvino.preprocess import PrePostProcessor

    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated; OpenVINO reads nothing better
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            module, example, check_trace=False
        )
        frontend = FrontEndManager().load_by_framework("pytorch")
        graph = TorchScriptPythonDecoder(traced)  # the frontend does not keep it alive
        model = frontend.convert(frontend.load(graph))
    model.reshape([-1, 3, -1, -1] if any_size else [-1, *example.shape[1:]])
    steps = PrePostProcessor(model)
    steps.input().tensor().set_layout(openvino.Layout("NHWC")).set_element_type(openvino.Type.u8)
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    return steps.build()


def _as_tuple(outputs: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
