"""What the weights and a simulation say about quantizing a network.

Only this package, the weights of networks and what uses them load numpy.
"""

from quantcfg.advice.advisor import advise_on
from quantcfg.advice.images import ImagesError
from quantcfg.advice.inputs import ArgumentError, Simulation
from quantcfg.advice.report import Advice, Item, Kind, LayerReport, Simulated
from quantcfg.advice.statistics import WeightStatistics

__all__ = [
    "Advice",
    "ArgumentError",
    "ImagesError",
    "Item",
    "Kind",
    "LayerReport",
    "Simulated",
    "Simulation",
    "WeightStatistics",
    "advise_on",
]
