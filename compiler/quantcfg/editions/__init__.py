"""The editions of AMCT, one package each. Only that package knows the format of its models.

Editions are registered here and imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from quantcfg.files import start_of

if TYPE_CHECKING:
    from quantcfg.network import Edition

DEFAULT = "caffe"
"""The default edition."""


def edition_named(name: str) -> Edition:
    """Return the edition with a name from NAMES."""
    return _EDITIONS[name]()


def edition_of_model(file: str) -> Edition:
    """Return the edition of a model by its content, else by its suffix, else the default."""
    editions, start = [*map(edition_named, NAMES)], start_of(file)
    by_content = (each for each in editions if each.is_model and each.is_model(start))
    by_suffix = (each for each in editions if file.endswith(each.words.model_suffix))
    return next(chain(by_content, by_suffix), edition_named(DEFAULT))


def _caffe() -> Edition:
    from quantcfg.editions.caffe import CAFFE

    return CAFFE


def _onnx() -> Edition:
    from quantcfg.editions.onnx import ONNX

    return ONNX


_EDITIONS: Mapping[str, Callable[[], Edition]] = {"caffe": _caffe, "onnx": _onnx}

NAMES = tuple(_EDITIONS)
"""The names of all editions."""
