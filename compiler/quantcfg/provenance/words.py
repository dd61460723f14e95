"""Values, origins and places in words."""

from __future__ import annotations

import json
from typing import Any

from quantcfg.plan import Origin, OriginKind
from quantcfg.source import Span


def value(value: Any) -> str:
    """Return a value as the configuration has it, but letters of all scripts as they are."""
    return json.dumps(value, ensure_ascii=False)


def said_by(origin: Origin, key: str) -> str:
    """Return in words what gave the value of a key: the level, and the field if it is not called like it."""
    if origin.kind is not OriginKind.WRITTEN:
        return origin.what
    field = next(step for step in reversed(origin.what.split(".")) if not step.isdigit())
    if origin.level is None:
        return field
    return origin.level if field == key else f"{field} of {origin.level}"


def place(span: Span | None) -> str | None:
    """Return file, line and column of a span; None for that of an argument, which is in no file."""
    if span is None or not span.source.is_file:
        return None
    line, column = span.start_position
    return f"{span.source.name}:{line}:{column}"


def at(span: Span | None) -> str:
    """Return a place as it stands behind what is there: "" where there is none."""
    where = place(span)
    return f" ({where})" if where else ""
