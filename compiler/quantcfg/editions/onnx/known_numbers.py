"""The numbers in small tensors, which shapes depend on; tensors with many values are weights."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import prod
from typing import Any

from quantcfg.editions.onnx.onnx_file import element_type
from quantcfg.frozen import small_value
from quantcfg.network.network import Shape

MOST_NUMBERS = 128
"""The limit on the values of a tensor whose numbers are kept."""

MAX_AXES = 64
"""The limit on the axes of a value; numpy has the same one."""

_LIMIT = 2**63
_DATA = {"FLOAT": ("f", "float_data"), "INT32": ("i", "int32_data"), "INT64": ("q", "int64_data")}
"""How each element type is stored: its code in the module struct, and its field beside raw_data."""

Number = int | float

_SAME_TYPES: tuple[set[type], ...] = (set(), {int}, {float})


@small_value
class Numbers:
    """The values of a tensor in row-major order; those of a float tensor are floats, bools are 0 or 1."""

    shape: Shape
    values: tuple[Number, ...]


def is_small(shape: Sequence[int]) -> bool:
    """Return whether the numbers of a tensor with a shape are kept."""
    return len(shape) <= MAX_AXES and min(shape, default=0) >= 0 and prod(shape) <= MOST_NUMBERS


def stored_numbers(tensor: Any) -> Numbers | None:
    """Return the numbers in a tensor of onnx_operations, None if it has none that are kept."""
    shape = tuple(tensor.dims)
    stored = _stored_types().get(tensor.data_type)
    if stored is None or not is_small(shape):
        return None
    code, field = stored
    count = prod(shape)
    if len(tensor.raw_data) == count * struct.calcsize(code):
        return kept(shape, struct.unpack(f"<{count}{code}", tensor.raw_data))
    return kept(shape, getattr(tensor, field))


@cache
def _stored_types() -> Mapping[int, tuple[str, str]]:
    return {element_type(name): stored for name, stored in _DATA.items()}


def kept(shape: Shape, values: Iterable[Number]) -> Numbers | None:
    """Return numbers of this shape, None if an ONNX tensor cannot have them or they are too large."""
    numbers = tuple(values)
    is_valid = len(numbers) == prod(shape) and {*map(type, numbers)} in _SAME_TYPES
    is_kept = is_valid and all(-_LIMIT <= each < _LIMIT for each in numbers)
    return Numbers(shape, tuple(map(_rounded, numbers))) if is_kept else None


def _rounded(number: Number) -> Number:
    """Round a float to 32 bits."""
    return float(*struct.unpack("f", struct.pack("f", number))) if isinstance(number, float) else number
