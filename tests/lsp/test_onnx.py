"""The language server with an ONNX model: names, hovers, hints, fixes, and a listing of the graph."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import pytest

from quantcfg.diagnostics.fixes import applied
from quantcfg.lsp.annotations import hints, title
from quantcfg.lsp.completion import completions
from quantcfg.lsp.document import Document
from quantcfg.lsp.hover import hover
from quantcfg.lsp.models import Model
from quantcfg.lsp.navigation import definitions, references
from quantcfg.lsp.text_edits import fixes
from quantcfg.project import Named
from tests.lsp.client import Client, Message, conversation, position
from tests.lsp.documents import at_mark
from tests.onnx.models import WEIGHTS, batch_norm, conv, model, network, node, tensor

NODES = (
    conv("conv1"),
    batch_norm("bn1", "conv1_out"),
    conv("conv2", "bn1_out", weight="v"),
    node("Add", ["conv2_out", "bn1_out"], ["sum"], name="add1"),
    node("Add", ["sum", "sum"], ["twice"]),
    node("MaxPool", ["twice"], ["max"], name="pool", kernel_shape=[2, 2]),
    node("MatMul", ["max", "m"], ["out"], name="fc"),
)
INITIALIZERS = (*WEIGHTS, tensor("v", 8, 8, 3, 3))
NETWORK = network(*NODES, initializers=INITIALIZERS)
MODEL = Model(Named("net.onnx"), NETWORK, ())
FOLDER = "".join(
    layer.span.source.name.removesuffix("net.onnx") for layer in NETWORK.layers[:1] if layer.span
)
"""The directory of the file of the model."""


def labels(marked: str) -> list[str]:
    return [item.label for item in completions(*at_mark(marked, model=MODEL))]


def text_of_hover(marked: str, name: str = "quant.cfg") -> str:
    found = hover(*at_mark(marked, name, MODEL))
    return found.text.replace(FOLDER, "") if found else ""


# --- completion


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ('skip_layers: "‸"', ["conv1", "conv2", "fc"]),
        ('override_layer_configs { layer_name: "‸" }', ["conv1", "conv2", "fc"]),
        ('tensor_quantize { layer_name: "‸" }', ["add1", "pool"]),
        ('skip_fusion_layers: "‸"', ["conv1"]),
        ('skip_layer_types: "‸"', ["AveragePool", "Conv", "ConvTranspose", "Gemm", "MatMul"]),
        ("fakequant_precision_mode: ‸", ["FORCE_FP16_QUANT"]),
        ("common_config { ifmr_quantize { dst_type: ‸ } }", ["INT8", "INT16"]),
        ("common_config { arq_quantize { quant_bits: ‸ } }", ["8"]),
        ("common_config { dmq_balancer { migration_strength: ‸ } }", ["0.5"]),
    ],
)
def test_names_of_nodes_and_types_of_operators_are_offered(marked: str, expected: list[str]) -> None:
    assert labels(marked) == expected


def test_fields_are_those_of_the_edition() -> None:
    offered = labels("‸")
    assert {"tensor_quantize", "fakequant_precision_mode", "common_config"} <= set(offered)
    assert "conv_calibration_config" not in offered
    assert labels("common_config { ‸ }") == [
        "arq_quantize",
        "nuq_quantize",
        "ifmr_quantize",
        "hfmg_quantize",
        "dmq_balancer",
    ]


def test_a_node_whose_input_can_be_quantized_is_offered_by_its_type() -> None:
    marked = at_mark('tensor_quantize { layer_name: "‸" }', model=MODEL)
    assert [item.detail for item in completions(*marked)] == ["Add", "MaxPool"]


# --- hover


def test_a_hover_shows_the_values_of_a_node_and_where_it_is() -> None:
    text = text_of_hover('skip_layers: "con‸v1"')
    assert '"conv1", Conv (net.onnx: node 0, Conv "conv1")' in text
    assert "num_bits" in text


def test_a_hover_of_a_tensor_shows_its_node() -> None:
    text = text_of_hover('tensor_quantize { layer_name: "ad‸d1" input_index: 0 }')
    assert '"add1", Add (net.onnx: node 3, Add "add1")' in text
    assert "tensor_quantize[0].search_step" in text


def test_a_hover_of_an_enum_shows_its_values() -> None:
    text = text_of_hover("common_config { ifmr_quantize { dst_‸type: INT8 } }")
    assert text.startswith("**dst_type**: INT8 or INT16; default INT8\n")


def test_a_hover_of_a_key_of_a_configuration_shows_its_node() -> None:
    text = text_of_hover('{"con‸v1": {}}', "config.json")
    assert '**conv1**, Conv (net.onnx: node 0, Conv "conv1")' in text
    assert text_of_hover('{"tensor_‸quantize": []}', "config.json").startswith("**tensor_quantize**: ")


# --- hints and fixes


def test_hints_count_nodes() -> None:
    document, _ = at_mark('skip_layer_types: "Conv"‸', model=MODEL)
    (hint,) = hints(document, 0, len(document.source.text))
    assert (hint.text, hint.tooltip) == ("2 layers", '"conv1" and "conv2"')
    assert title(document) == "show the compiled JSON for net.onnx (1 layer quantized, 2 skipped)"


def test_a_misspelt_name_has_a_fix() -> None:
    document, offset = at_mark('skip_layers: "cnov‸1"', model=MODEL)
    (fix,) = fixes(document, offset, offset)
    assert applied(document.source, fix.edits) == 'skip_layers: "conv1"'


# --- definitions and references


def elements(document: Document, offset: int) -> list[str | None]:
    return [span.element for span in definitions(document, offset)]


def test_names_and_types_lead_to_nodes() -> None:
    assert elements(*at_mark('skip_layers: "con‸v2"', model=MODEL)) == ['node 2, Conv "conv2"']
    marked = 'tensor_quantize { layer_name: "‸pool" input_index: 0 }'
    assert elements(*at_mark(marked, model=MODEL)) == ['node 5, MaxPool "pool"']
    assert elements(*at_mark('skip_layer_types: "Con‸v"', model=MODEL)) == [
        'node 0, Conv "conv1"',
        'node 2, Conv "conv2"',
    ]
    assert elements(*at_mark("# quantcfg-model: net‸.onnx\n", model=MODEL)) == ['node 0, Conv "conv1"']


def test_references_of_a_node_are_what_is_set_for_it() -> None:
    marked = 'skip_layers: "fc"\ntensor_quantize { layer_name: "add‸1" input_index: 0 }\n'
    document, offset = at_mark(marked, model=MODEL)
    spans = references(document, offset, [document], with_definition=False)
    assert [span.text for span in spans] == ['"add1"', "0"]
    with_definition = references(document, offset, [document], with_definition=True)
    assert [each.element for each in with_definition] == ['node 3, Add "add1"', None, None]


# --- the server


REQUEST = '# quantcfg-model: net.onnx\nskip_layers: ["conv1", "cnov2"]\n'
FIXED = REQUEST.replace("cnov2", "conv2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_model(tmp_path)
    return tmp_path


def write_model(folder: Path, **names: str) -> None:
    """Write the model, with other names for some nodes."""
    content = model(*NODES, initializers=INITIALIZERS)
    for each in content.graph.node:
        each.name = names.get(each.name, each.name)
    (folder / "net.onnx").write_bytes(content.SerializeToString())


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    with conversation(folder) as client:
        yield client


def codes(diagnostics: list[Message]) -> list[str]:
    return [each["code"] for each in diagnostics]


def defined(client: Client, uri: str, text: str, name: str) -> list[Message]:
    """Return the locations to which a name leads."""
    place = {"textDocument": {"uri": uri}, "position": position(text, text.index(name) + 1)}
    found: list[Message] = client.request("textDocument/definition", place)
    return found


def file_of(location: Message) -> Path:
    return Path(urlparse(str(location["uri"])).path)


def line_of(location: Message) -> str:
    return file_of(location).read_text().splitlines()[int(location["range"]["start"]["line"])]


@pytest.mark.slow
def test_a_node_is_defined_in_a_listing_that_is_removed_at_the_end(folder: Path) -> None:
    uri = (folder / "quant.cfg").as_uri()
    with conversation(folder) as client:
        client.open(uri, FIXED)
        assert codes(client.diagnostics(uri, 1)) == []
        (place,) = defined(client, uri, FIXED, '"conv2"')
        listing = file_of(place)
        assert listing.name == "net.onnx.txt"
        assert line_of(place).split() == ["conv2", "Conv", "yes", "8x8x3x3"]
        assert line_of(place) != listing.read_text().splitlines()[0]
        assert stat.S_IMODE(listing.stat().st_mode) == 0o444
        (start,) = defined(client, uri, FIXED, "net.onnx")
        assert (file_of(start), start["range"]["start"]["line"]) == (listing, 1)
    assert not listing.exists()
    assert not listing.parent.exists()


@pytest.mark.slow
def test_a_model_that_changes_on_the_disk_is_read_and_listed_again(folder: Path, client: Client) -> None:
    uri, file = (folder / "quant.cfg").as_uri(), folder / "net.onnx"
    client.open(uri, FIXED)
    assert codes(client.diagnostics(uri, 1)) == []
    (before,) = defined(client, uri, FIXED, '"conv1"')
    write_model(folder, conv2="renamed")
    client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": file.as_uri(), "type": 2}]})
    assert codes(client.diagnostics(uri, 1)) == ["QC401"]
    (after,) = defined(client, uri, FIXED, '"conv1"')
    assert after == before
    assert "renamed" in file_of(after).read_text()
    file.write_bytes(b"")
    client.edit(uri, 2, FIXED + "\n")
    assert codes(client.diagnostics(uri, 2)) == ["QC117"]
    assert defined(client, uri, FIXED, '"conv1"') == []


@pytest.mark.slow
def test_a_model_that_is_open_in_the_editor_is_read_from_its_file(folder: Path, client: Client) -> None:
    uri, file = (folder / "quant.cfg").as_uri(), folder / "net.onnx"
    client.open(file.as_uri(), "\ufffd\ufffd not the content", language="onnx")
    client.edit(file.as_uri(), 2, "")
    client.open(uri, REQUEST)
    assert codes(client.diagnostics(uri, 1)) == ["QC401"]
    write_model(folder, conv2="cnov2")
    client.edit(uri, 2, REQUEST + "\n")
    assert codes(client.diagnostics(uri, 2)) == []
    client.close(file.as_uri())


@pytest.mark.slow
def test_the_place_of_a_related_node_is_its_line_in_the_listing(folder: Path, client: Client) -> None:
    uri = (folder / "quant.cfg").as_uri()
    client.open(uri, '# quantcfg-model: net.onnx\nskip_fusion_layers: "fc"\n')
    (found,) = client.diagnostics(uri, 1)
    places = [each["location"] for each in found["relatedInformation"]]
    assert places
    assert all(file_of(place).name == "net.onnx.txt" for place in places)
    assert [line_of(place).split()[0] for place in places] == ["fc"]


@pytest.mark.slow
def test_a_model_with_errors_is_reported_where_it_is_named(folder: Path, client: Client) -> None:
    uri = (folder / "quant.cfg").as_uri()
    write_model(folder, conv2="")
    client.open(uri, FIXED + 'tensor_quantize { layer_name: "add1" input_index: 0 }\n')
    (found,) = client.diagnostics(uri, 1)
    assert found["code"] == "QC330"
    assert found["message"].startswith(f"the model ({os.path.realpath(folder)}/net.onnx: node 2, Conv): ")
    assert found["range"]["start"] == {"line": 0, "character": 18}
