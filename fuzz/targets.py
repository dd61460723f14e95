"""The fuzz targets: each reader as a function of bytes that must return without an exception."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from quantcfg.api import load_model, name_nodes
from quantcfg.compile import check_source
from quantcfg.diagnostics import Diagnostic
from quantcfg.diagnostics.fixes import fixed
from quantcfg.diagnostics.formats import FORMATS, render_all
from quantcfg.editions.caffe import CAFFE
from quantcfg.editions.caffe.reader import read_network
from quantcfg.editions.caffe.weights import read_weights
from quantcfg.editions.onnx import ONNX
from quantcfg.files import source_of
from quantcfg.format import format_source
from quantcfg.migrate import migrate_source
from quantcfg.network import Network
from quantcfg.network.costs import costs_of
from quantcfg.source import Source

Target = Callable[[bytes], None]

ROOT = Path(__file__).parents[1]
CORPUS = Path(__file__).parent / "corpus"


def _network() -> Network:
    network = load_model(ROOT / "examples" / "tinynet" / "deploy.prototxt", None, print)
    assert network
    return network


def _source(name: str, content: bytes, diagnostics: list[Diagnostic]) -> Source | None:
    return source_of(name, content, diagnostics.append, wanted="a text file")


def _show(diagnostics: list[Diagnostic]) -> None:
    """Render the diagnostics in every format."""
    for name in FORMATS:
        render_all(name, diagnostics)


def check_text(name: str) -> Target:
    """Return a target that checks, fixes, formats and migrates a file of that name."""
    network = _network()

    def check(content: bytes) -> None:
        diagnostics: list[Diagnostic] = []
        source = _source(name, content, diagnostics)
        if source:
            alone = check_source(source, None, CAFFE)
            diagnostics += alone
            text, _ = fixed(source, alone)
            check_source(Source(name, text), network, CAFFE)
            _format(source)
            _migrate(source)
        _show(diagnostics)

    return check


def read_prototxt() -> Target:
    """Return a target that reads and formats a prototxt."""

    def read(content: bytes) -> None:
        diagnostics: list[Diagnostic] = []
        source = _source("deploy.prototxt", content, diagnostics)
        if source:
            read_network(source, None, diagnostics.append)
            _format(source)
        _show(diagnostics)

    return read


def _migrate(source: Source) -> None:
    """Check that migrating twice changes nothing."""
    diagnostics: list[Diagnostic] = []
    text = migrate_source(source, CAFFE, diagnostics.append)
    if text is not None:
        assert migrate_source(Source(source.name, text), CAFFE, diagnostics.append) == text
    _show(diagnostics)


def _format(source: Source) -> None:
    """Check that formatting twice changes nothing."""
    diagnostics: list[Diagnostic] = []
    text = format_source(source, diagnostics.append)
    if text is not None:
        assert format_source(Source(source.name, text), diagnostics.append) == text
    _show(diagnostics)


def read_caffemodel() -> Target:
    """Return a target that reads weights, through a file."""
    directory = Path(tempfile.mkdtemp(prefix="quantcfg-fuzz-"))

    def read(content: bytes) -> None:
        diagnostics: list[Diagnostic] = []
        file = directory / "net.caffemodel"
        file.write_bytes(content)
        read_weights(file, diagnostics.append)
        _show(diagnostics)

    return read


def read_onnx() -> Target:
    """Return a target that reads an ONNX model and its operations, and gives its nodes unique names."""
    directory = Path(tempfile.mkdtemp(prefix="quantcfg-fuzz-"))
    model, named = directory / "net.onnx", directory / "named.onnx"

    def read(content: bytes) -> None:
        diagnostics: list[Diagnostic] = []
        model.write_bytes(content)
        network = load_model(model, None, diagnostics.append)
        if network:
            costs_of(network, ONNX.read_operations(network, {}))
        made = name_nodes(model, str(named), diagnostics.append)
        if made:
            named.write_bytes(b"".join(made.content))
            again = name_nodes(named, str(model), diagnostics.append)
            assert again
            assert not again.names
        _show(diagnostics)

    return read


TARGETS: Mapping[str, Callable[[], Target]] = {
    "request": lambda: check_text("quant.cfg"),
    "configuration": lambda: check_text("config.json"),
    "prototxt": read_prototxt,
    "weights": read_caffemodel,
    "onnx": read_onnx,
}
"""The targets by name, which is also the name of their directory in the corpus."""
