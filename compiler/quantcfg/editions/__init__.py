"""The editions of AMCT, one package each. Only that package knows the format of its models.

Editions are registered here and imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from quantcfg import files
from quantcfg.files import OtherContent

if TYPE_CHECKING:
    from quantcfg.network import Edition

DEFAULT = "caffe"
"""The default edition."""


def edition_named(name: str) -> Edition:
    """Return the edition with a name from NAMES."""
    return _EDITIONS[name]()


def edition_of_model(file: str) -> Edition:
    """Return the edition of a model by its content, else by its suffix, else the default."""
    return recognized_edition(file) or edition_named(DEFAULT)


def recognized_edition(file: str) -> Edition | None:
    """Return the edition of a model by its content, else by its suffix, which may be that of none."""
    by_suffix = (each for each in _all() if file.endswith(each.words.model_suffix))
    return edition_of_binary(file) or next(by_suffix, None)


def edition_of_binary(file: str) -> Edition | None:
    """Return the edition whose binary models have the content of a file, None for any other file."""
    return edition_of_bytes(files.start_of(file))


def edition_of_bytes(start: bytes) -> Edition | None:
    """Return the edition whose binary models start with these bytes, None if there is none."""
    if not files.has_controls(start):
        return None  # The editions are not imported to read text.
    return next((each for each in _all() if each.is_model(start)), None)


def other_content(file: str, edition: Edition) -> OtherContent | None:
    """Return what a file is that an edition cannot read, or None if it is not recognized."""
    start = files.start_of(file)
    if found := files.known_content(start):
        return found
    for each in _all():
        if each is not edition and (found := each.recognize(start)):
            is_text_model = each.words.is_text and found.what == each.words.model
            return _named_as(edition, file, found.what) if is_text_model else found
    return OtherContent(files.TEXT) if files.is_plain_text(start) else None


def _named_as(edition: Edition, file: str, what: str) -> OtherContent:
    """Return what a file is, with a help if its suffix is that of an edition."""
    suffix = edition.words.model_suffix
    help = f"{what} must not have a name that ends in {suffix}" if file.endswith(suffix) else None
    return OtherContent(what, help)


def _all() -> Iterator[Edition]:
    return (get() for get in _EDITIONS.values())


def _caffe() -> Edition:
    from quantcfg.editions.caffe import CAFFE

    return CAFFE


def _onnx() -> Edition:
    from quantcfg.editions.onnx import ONNX

    return ONNX


_EDITIONS: Mapping[str, Callable[[], Edition]] = {"caffe": _caffe, "onnx": _onnx}

NAMES = tuple(_EDITIONS)
"""The names of all editions."""
