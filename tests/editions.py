"""The editions of AMCT, each with what the tests know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quantcfg import contracts
from quantcfg.editions import edition_named
from quantcfg.network import Edition
from tests.oracle import amct
from tests.plan.caffe_networks import CaffeNetwork, caffe_networks
from tests.plan.onnx_networks import OnnxNetwork, onnx_networks

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

GeneratedNetwork = CaffeNetwork | OnnxNetwork


@dataclass(frozen=True)
class KnownEdition:
    """An edition.

    `networks` are generated ones, `wrong_types` names that are no types to
    quantize, and `wrong_names` names that no layer of a generated network has.
    """

    name: str
    oracle: amct.OracleEdition
    networks: SearchStrategy[GeneratedNetwork]
    wrong_types: tuple[str, ...]
    wrong_names: tuple[str, ...]

    @property
    def edition(self) -> Edition:
        return edition_named(self.name)

    @property
    def config(self) -> Any:
        """The class of its requests."""
        request = self.edition.request
        return contracts.message_class(request.file, request.name)


CAFFE = KnownEdition(
    "caffe",
    amct.CAFFE,
    caffe_networks(),
    wrong_types=("ReLU", "BatchNorm", "convolution", "", "Conv"),
    wrong_names=("nowhere", "conv", "", "ReLU", "versions"),
)

ONNX = KnownEdition(
    "onnx",
    amct.ONNX,
    onnx_networks(),
    wrong_types=("Relu", "MaxPool", "Add", "Convolution", "Linear", "conv", ""),
    wrong_names=("nowhere", "conv", "", "Relu", "versions", "top0", "data"),
)

EDITIONS: Mapping[str, KnownEdition] = {each.name: each for each in (CAFFE, ONNX)}
