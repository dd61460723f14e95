"""Values, origins and locations in words."""

from __future__ import annotations

import json
from typing import Any

from quantcfg.plan import Origin, OriginKind
from quantcfg.source import Span


def value(value: Any) -> str:
    """Return a value as JSON, without escapes for non-ASCII letters."""
    return json.dumps(value, ensure_ascii=False)


def given_by(origin: Origin, key: str) -> str:
    """Return in words what gives the value of a key: the level, and the field if its name differs."""
    if origin.kind is not OriginKind.WRITTEN:
        return origin.what
    field = next(step for step in reversed(origin.what.split(".")) if not step.isdigit())
    if origin.level is None:
        return field
    return origin.level if field == key else f"{field} of {origin.level}"


def place(span: Span | None) -> str | None:
    """Return the location of a span; None if it is not in a file."""
    return span.location if span and span.source.is_file else None


def at(span: Span | None) -> str:
    """Return the location of a span in parentheses, with a space before; "" if it has none."""
    location = place(span)
    return f" ({location})" if location else ""
