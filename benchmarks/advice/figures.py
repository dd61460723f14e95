"""The figures of the reference (weights.md 4.1, 4.3, 4.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.advice.measurements import Ratios

LEAST_LAYERS = 8
"""The least number of layers of the networks in 4.4."""

RATIOS: Mapping[str, Ratios] = {
    "cifar10_quick_v1": Ratios(37, 34, 37, 34),
    "lenet_mnist": Ratios(49, 47, 46, 44),
    "mtcnn_det1": Ratios(28, 26, 25, 24),
    "resnet20_cifar": Ratios(34, 28, 34, 31),
    "ultraface_slim320": Ratios(17, 13, 25, 17),
    "wechat_sr": Ratios(28, 27, 28, 24),
    "yoloface_50k": Ratios(33, 22, 33, 30),
}
"""4.1."""

PREDICTED: Mapping[str, tuple[float, float]] = {
    "cifar10_quick_v1": (2.5, 5.4),
    "lenet_mnist": (3.7, 5.1),
    "mtcnn_det1": (3.5, 4.9),
    "resnet20_cifar": (4.2, 11.3),
    "ultraface_slim320": (7.2, 18.0),
    "wechat_sr": (5.7, 11.5),
    "yoloface_50k": (5.7, 14.4),
}
"""4.1: the median and the maximum of the predicted gain, with inner products."""

LEAST_CORRELATION, MOST_CORRELATION, CORRELATION_OF_ALL = 0.34, 0.87, 0.61
"""4.3: of the predicted and the measured gain, by network, and of all layers together."""

BETTER = 0.95
"""4.3: the share of layers with a predicted gain of 4 dB or more for which channel_wise is better."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The measured gain of layers whose predicted gain is in a range, in dB.

    low and high are the 10th and the 90th percentile, worse is the share of layers for
    which one factor is better.
    """

    least: float
    below: float
    layers: int
    mean: float
    low: float
    high: float
    worse: float

    @property
    def name(self) -> str:
        """The range as words."""
        if self.least < 0:
            return f"less than {self.below}"
        return f"{self.least} to {self.below}" if self.below < _INFINITE else f"{self.least} or more"


_INFINITE = float("inf")

BINS: Sequence[Bin] = (
    Bin(-_INFINITE, 2, 25, 0.8, -1.6, 3.3, 0.24),
    Bin(2, 4, 84, 3.3, 0.2, 6.6, 0.10),
    Bin(4, 6, 139, 5.8, 0.7, 10.5, 0.07),
    Bin(6, 8, 123, 7.7, 2.4, 11.9, 0.04),
    Bin(8, 10, 66, 10.4, 5.2, 15.9, 0.00),
    Bin(10, 14, 63, 10.4, 1.1, 17.7, 0.10),
    Bin(14, _INFINITE, 13, 16.1, 7.6, 30.1, 0.00),
)
"""4.3."""

CORRELATIONS: Mapping[str, float] = {
    "SQNR of the weights": -0.06,
    "kurtosis": -0.01,
    "few parameters": 0.15,
    "position": 0.48,
    "AMCT's metric": 0.60,
    "simulation": 0.78,
    "simulation, photographs": 0.87,
}
"""4.4."""

IMPROVEMENTS: Mapping[str, float] = {
    "SQNR of the weights": 0.3,
    "kurtosis": 1.7,
    "few parameters": 3.4,
    "position": 3.5,
    "AMCT's metric": 3.3,
    "simulation": 4.7,
    "simulation, photographs": 4.3,
}
"""4.4."""
