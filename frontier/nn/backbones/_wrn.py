"""Wide ResNet (Zagoruyko and Komodakis, BMVC 2016) in the pre-activation form of SNL (Cho et al., ICML 2022).

3x3 stem with 16 channels, group strides 1, 2, 2; the first block of each group takes its 1x1 shortcut (no batch norm)
from the activated input. SNL's networks have no ReLU after the last batch norm: that is the `inner` convention.
"""

from __future__ import annotations

from torch import Tensor, nn

OUTER = ("relu",)
STEM_CHANNELS = 16


class PreActivationBlock(nn.Module):
    """Batch norm and ReLU before each of two 3x3 convolutions; the first ReLU still sees the unstrided input."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, project: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if project else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        activated = self.relu1(self.bn1(x))
        residual = x if self.shortcut is None else self.shortcut(activated)
        out: Tensor = self.conv2(self.relu2(self.bn2(self.conv1(activated))))
        return out + residual


class WideResNet(nn.Module):
    """Depth 6n + 4: three groups of n blocks with 16, 32, 64 x `widen` channels, pooling, linear head."""

    def __init__(self, channels: int, classes: int, depth: int, widen: int, *, last_relu: bool) -> None:
        super().__init__()
        blocks = (depth - 4) // 6
        self.conv = nn.Conv2d(channels, STEM_CHANNELS, 3, padding=1, bias=False)
        self.group1 = _group(STEM_CHANNELS, 16 * widen, blocks, 1)
        self.group2 = _group(16 * widen, 32 * widen, blocks, 2)
        self.group3 = _group(32 * widen, 64 * widen, blocks, 2)
        self.bn = nn.BatchNorm2d(64 * widen)
        self.relu = nn.ReLU() if last_relu else nn.Identity()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(64 * widen, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> logits (B, classes)."""
        x = self.group3(self.group2(self.group1(self.conv(x))))
        logits: Tensor = self.head(self.pool(self.relu(self.bn(x))).flatten(1))
        return logits


def _group(inputs: int, outputs: int, blocks: int, stride: int) -> nn.Sequential:
    first = PreActivationBlock(inputs, outputs, stride, project=True)
    rest = (PreActivationBlock(outputs, outputs, 1, project=False) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)
