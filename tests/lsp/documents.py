"""Documents for tests: texts with marks where the cursor is, and a small network for them."""

from __future__ import annotations

from quantcfg.lsp.document import Document
from quantcfg.lsp.models import Model
from quantcfg.project import Named
from quantcfg.source import Source, Span
from tests.networks import batch_norm, conv, inner_product, net, network, pool, scale

MARK = "‸"

NETWORK = network(
    net(
        conv("conv1"),
        batch_norm("bn1", "conv1", "conv1"),
        scale("scale1", "conv1", "conv1"),
        conv("conv2", "conv1"),
        pool("pool", "conv2"),
        pool("pool_max", "pool", parameters="pool: MAX kernel_size: 2"),
        inner_product("fc_🦊", "pool_max"),
    )
)
MODEL = Model(Named("net.prototxt"), NETWORK, ())


def unmarked(marked: str) -> tuple[str, list[int]]:
    """Return text without its marks, and their offsets."""
    pieces = marked.split(MARK)
    ends = [sum(map(len, pieces[: index + 1])) for index in range(len(pieces) - 1)]
    return "".join(pieces), ends


def request(text: str, model: Model | None = MODEL) -> Document:
    return Document(Source("quant.cfg", text), model)


def at_mark(marked: str, name: str = "quant.cfg", model: Model | None = MODEL) -> tuple[Document, int]:
    """Return a document, and the offset of the one mark in its text."""
    text, (offset,) = unmarked(marked)
    return Document(Source(name, text), model), offset


def shown(spans: tuple[Span, ...] | list[Span]) -> list[str]:
    """Return the text at spans, with the line of each."""
    return [f"{span.source.name}:{span.start_position[0]} {span.text}" for span in spans]
