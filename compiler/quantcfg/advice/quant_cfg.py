"""Advice for the default settings as a quant.cfg."""

from __future__ import annotations

from collections.abc import Iterator

from quantcfg.advice.report import Advice, Item
from quantcfg.textproto.literals import encode_string

_NOTHING = "# No setting needs to differ from its default.\n"


def render(advice: Advice) -> str:
    """Return a quant.cfg with the advised settings, each below its reason.

    The defaults are never worse in channel_wise and asymmetric, so these are only layers
    to skip.
    """
    settings = [_skipped(name, item) for name, item in _exclusions(advice)]
    return "\n".join(settings) or _NOTHING


def _exclusions(advice: Advice) -> Iterator[tuple[str, Item]]:
    seen = set[str]()
    for item in advice.items:
        for name in item.layers if item.field == "quant_enable" else ():
            if name not in seen:
                seen.add(name)
                yield name, item


def _skipped(name: str, item: Item) -> str:
    return f"# {item.kind}: {item.reason}\nskip_layers: {encode_string(name)}\n"
