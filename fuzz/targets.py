"""What is fuzzed: each reader as a function of bytes, which must come to an end whatever it is given."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from quantcfg.api import load_model
from quantcfg.compile import check_source
from quantcfg.diagnostics import Diagnostic
from quantcfg.diagnostics.fixes import fixed
from quantcfg.diagnostics.formats import FORMATS, render_all
from quantcfg.editions.caffe import CAFFE
from quantcfg.editions.caffe.reader import read_network
from quantcfg.editions.caffe.weights import read_weights
from quantcfg.files import source_of
from quantcfg.format import format_source
from quantcfg.migrate import migrate_source
from quantcfg.network import Network
from quantcfg.source import Source

Target = Callable[[bytes], None]

ROOT = Path(__file__).parents[1]
CORPUS = Path(__file__).parent / "corpus"


def _network() -> Network:
    network = load_model(ROOT / "examples" / "tinynet" / "deploy.prototxt", None, print)
    assert network
    return network


def _source(name: str, content: bytes, found: list[Diagnostic]) -> Source | None:
    return source_of(name, content, found.append, wanted="a text")


def _show(found: list[Diagnostic]) -> None:
    """Show findings in every format, as a command would."""
    for name in FORMATS:
        render_all(name, found)


def check_text(name: str) -> Target:
    """Return the check of a file with that name, alone and against a network, with its fixes applied."""
    network = _network()

    def check(content: bytes) -> None:
        found: list[Diagnostic] = []
        source = _source(name, content, found)
        if source:
            alone = check_source(source, None, CAFFE)
            found += alone
            text, _ = fixed(source, alone)
            check_source(Source(name, text), network, CAFFE)
            _format(source)
            _migrate(source)
        _show(found)

    return check


def read_prototxt() -> Target:
    """Return the reading of a network."""

    def read(content: bytes) -> None:
        found: list[Diagnostic] = []
        source = _source("deploy.prototxt", content, found)
        if source:
            read_network(source, None, found.append)
            _format(source)
        _show(found)

    return read


def _migrate(source: Source) -> None:
    """Migrate a text, and once more: nothing may change then."""
    found: list[Diagnostic] = []
    text = migrate_source(source, CAFFE, found.append)
    if text is not None:
        assert migrate_source(Source(source.name, text), CAFFE, found.append) == text
    _show(found)


def _format(source: Source) -> None:
    """Lay a text out, and once more: nothing may change then."""
    found: list[Diagnostic] = []
    text = format_source(source, found.append)
    if text is not None:
        assert format_source(Source(source.name, text), found.append) == text
    _show(found)


def read_caffemodel() -> Target:
    """Return the reading of weights, which are read from a file."""
    folder = Path(tempfile.mkdtemp(prefix="quantcfg-fuzz-"))

    def read(content: bytes) -> None:
        found: list[Diagnostic] = []
        file = folder / "net.caffemodel"
        file.write_bytes(content)
        read_weights(file, found.append)
        _show(found)

    return read


TARGETS: Mapping[str, Callable[[], Target]] = {
    "request": lambda: check_text("quant.cfg"),
    "configuration": lambda: check_text("config.json"),
    "prototxt": read_prototxt,
    "weights": read_caffemodel,
}
"""The targets by name; a folder of the corpus has the same name."""
