"""Requests of an editor: diagnostics after a keystroke, and symbols and tokens of a long file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from benchmarks.inputs import RESNET_152, convolutions, kilobytes, prototxt, quant_cfg
from quantcfg import limits
from tests.lsp.client import conversation

_OVERRIDES = 152
_SIZE = 100_000
"""The length of the quant.cfg in characters."""

Work = Callable[[], object]


@contextmanager
def keystroke(directory: Path) -> Iterator[tuple[str, Work]]:
    """Open a large quant.cfg in a server, and yield a label and an edit that waits for its diagnostics."""
    path, model = directory / "edited.cfg", directory / "edited.prototxt"
    model.write_text(prototxt(RESNET_152))
    path.write_text(text := _commented(quant_cfg(_OVERRIDES)))
    uri, versions, middle = path.as_uri(), count(2), text.index("search_step", len(text) // 2)
    texts = {0: text, 1: f"{text[:middle]}x{text[middle:]}"}

    with conversation(directory, initializationOptions={"model": str(model)}) as client:
        client.open(uri, text)
        client.diagnostics(uri, 1)

        def typed() -> None:
            version = next(versions)
            client.edit(uri, version, texts[1 - version % 2])
            client.diagnostics(uri, version)

        yield f"keystroke to diagnostics in a {kilobytes(text)} quant.cfg", typed


@contextmanager
def long_prototxt(directory: Path) -> Iterator[dict[str, Work]]:
    """Open a prototxt with the maximum number of layers in a server, and yield requests by label."""
    path = directory / "long.prototxt"
    path.write_text(text := convolutions(limits.LAYERS))
    params = {"textDocument": {"uri": path.as_uri()}}
    with conversation(directory) as client:
        client.open(path.as_uri(), text)
        yield {
            "document symbols": lambda: client.request("textDocument/documentSymbol", params),
            "semantic tokens": lambda: client.request("textDocument/semanticTokens/full", params),
        }


def _commented(request: str) -> str:
    """Return a request with comments that fill it up to _SIZE characters."""
    overrides = request.split("override_layer_configs")
    comment = "# why: " + "measured " * ((_SIZE - len(request)) // (9 * (len(overrides) - 1))) + "\n"
    return f"{comment}override_layer_configs".join(overrides)
