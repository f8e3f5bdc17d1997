"""Taps: a network's logits together with the outputs of some of its modules, in a form that torch.compile follows."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, final

from torch import Tensor, nn


@final
class Tapped(nn.Module):
    """Pixels -> (logits, outputs of the modules at `paths`, in that order). A context: on leaving, nothing is left in
    the model, whose parameters and state this one shares."""

    def __init__(self, model: nn.Module, paths: Sequence[str]) -> None:
        """`paths` are relative to `model`; each module runs exactly once in a forward pass."""
        super().__init__()
        self.model = model
        self.paths = tuple(paths)
        self.seen: dict[str, Tensor] = {}
        modules = dict(model.named_modules())
        self._handles = [modules[path].register_forward_hook(self._hook(path)) for path in self.paths]

    def _hook(self, path: str) -> Any:
        def see(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
            self.seen[path] = output

        return see

    def forward(self, pixels: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(B, C, H, W) -> logits (B, classes) and one tensor a path."""
        logits = self.model(pixels)
        seen = tuple(self.seen[path] for path in self.paths)
        self.seen = {}  # what was seen is held by the caller alone
        return logits, seen

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for handle in self._handles:
            handle.remove()
