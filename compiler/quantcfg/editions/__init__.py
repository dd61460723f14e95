"""The editions of AMCT, one package each. Only that package knows the format of its models.

Editions are registered here and imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantcfg.network import Edition

DEFAULT = "caffe"
"""The default edition."""


def edition_named(name: str) -> Edition:
    """Return the edition with a name from NAMES."""
    return _EDITIONS[name]()


def edition_of_model(file: str) -> Edition:
    """Return the edition whose models have the suffix of a file, else the default."""
    editions = map(edition_named, NAMES)
    matching = (each for each in editions if file.endswith(each.words.model_suffix))
    return next(matching, edition_named(DEFAULT))


def _caffe() -> Edition:
    from quantcfg.editions.caffe import CAFFE

    return CAFFE


_EDITIONS: Mapping[str, Callable[[], Edition]] = {"caffe": _caffe}

NAMES = tuple(_EDITIONS)
"""The names of all editions."""
