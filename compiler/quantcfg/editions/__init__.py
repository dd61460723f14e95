"""The editions of AMCT: one package each, which alone knows the format of its models.

An edition is registered here, and imported where it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantcfg.network import Edition

DEFAULT = "caffe"
"""The edition where nothing names one."""


def edition_named(name: str) -> Edition:
    """Return an edition by its name, one of NAMES."""
    return _EDITIONS[name]()


def _caffe() -> Edition:
    from quantcfg.editions.caffe import CAFFE

    return CAFFE


_EDITIONS: Mapping[str, Callable[[], Edition]] = {"caffe": _caffe}

NAMES = tuple(_EDITIONS)
"""The names of all editions."""
