"""The commands with ONNX models, and with files of both editions."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from onnx import helper

from quantcfg import cli
from quantcfg.editions import edition_named
from tests.api.models import write_model
from tests.onnx.models import WEIGHTS, batch_norm, conv, graph, model, node, tensor, value

Captured = pytest.CaptureFixture[str]

NET = ("--model", "net.onnx")
REQUEST = 'batch_num: 2\nskip_layers: "conv2"\ntensor_quantize { layer_name: "add" input_index: 0 }\n'


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have models of both editions and requests in the working directory."""
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path)
    branch = graph(conv("inner"), outputs=[value("inner_out")])
    content = model(
        conv("conv1"),
        batch_norm("bn1", "conv1_out"),
        conv("conv2", "bn1_out", weight="v"),
        node("Add", ["conv2_out", "bn1_out"], ["sum"], name="add"),
        node("Relu", ["sum"], ["relu"]),
        node("If", ["relu"], ["chosen"], name="if", then_branch=branch, else_branch=branch),
        node("AveragePool", ["chosen"], ["pooled"], name="pool", kernel_shape=[2]),
        node("MatMul", ["pooled", "m"], ["out"], name="fc"),
        initializers=(*WEIGHTS, tensor("v", 8, 8, 3, 3)),
    )
    Path("net.onnx").write_bytes(content.SerializeToString())
    Path("quant.cfg").write_text(REQUEST)
    Path("named.cfg").write_text(f"# quantcfg-model: net.onnx\n{REQUEST}")


def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    status = cli.main(arguments)
    return status, *capsys.readouterr()


def usage_error(capsys: Captured, *arguments: str) -> str:
    """Return the last line of a usage error."""
    with pytest.raises(SystemExit) as exited:
        cli.main(arguments)
    assert exited.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


TABLE = """\
name | type | shape | parameters | MACs | quantizable | weight | fused
conv1 | Conv | 1x8x6x6 | 216 | 7.78 k | yes | 8x3x3x3 | conv1 + bn1
bn1 | BatchNormalization | 1x8x6x6 | 8 | no: type BatchNormalization is not supported | conv1 + bn1
conv2 | Conv | 1x8x4x4 | 576 | 9.22 k | yes | 8x8x3x3
add | Add | ? | no: only its inputs can be quantized, by tensor_quantize
(no name) | Relu | ? | no: type Relu is not supported
if | If | ? | ? | ? | no: type If is not supported, its subgraphs are not read
pool | AveragePool | ? | no: only 4-D inputs are supported, this one is 1-D pooling
fc | MatMul | ? | 128 | ? | yes | 16x8
"""
CAUSES = """\
the output shape of "add" is unknown: its inputs differ: 1x8x4x4, 1x8x6x6; \
check its attributes and the shapes of its inputs
the output shape of "if" is unknown: the model does not determine the output of type If; \
pass its shape, such as --input chosen=1,3,224,224
"""


def test_layers_lists_the_nodes_of_the_top_graph(capsys: Captured) -> None:
    status, out, err = run(capsys, "layers", *NET)
    assert status == 0
    *table, last = out.splitlines()
    assert [" | ".join(re.split(" {2,}", line)) for line in table] == TABLE.splitlines()
    costs = "100 % of MACs, 99.1 % of weights; 928 weights, 3.71 kB in float, about 1.02 kB in int8"
    unknown = "without 2 layers of unknown cost"
    assert last == f"8 layers in the top-level graph, 3 quantizable: {costs}; {unknown}"
    assert err == CAUSES


def test_layers_takes_the_shapes_of_values(capsys: Captured) -> None:
    _, out, _ = run(capsys, "layers", *NET, "--input", "2,3,10,10", "--input", "chosen=2,5,7")
    table = [re.split(" {2,}", line) for line in out.splitlines()]
    assert {row[0]: row[2] for row in table if row[0] in ("conv1", "pool")} == {
        "conv1": "2x8x8x8",
        "pool": "2x5x6",
    }
    unused = usage_error(capsys, "layers", *NET, "--input", "conv1_out=1,8,6,6")
    assert unused.endswith('--input names "conv1_out": not an input or a blob of unknown shape')


@pytest.mark.slow
def test_only_layers_reads_what_shapes_need() -> None:
    program = "import sys; from quantcfg.cli import main; main(sys.argv[1:]); print(*sys.modules)"

    def loaded(*arguments: str) -> set[str]:
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
        return set(done.stdout.decode().splitlines()[-1].split())

    needed = {
        f"quantcfg.editions.onnx.{name}" for name in ("layer_operations", "graph_values", "output_shapes")
    }
    assert needed <= loaded("layers", *NET)
    assert not needed & loaded("compile", *NET, "--config", "quant.cfg", "-o", "config.json")


def test_a_layer_without_a_name_is_named_by_its_position(capsys: Captured) -> None:
    Path("unnamed.onnx").write_bytes(model(node("Wonder", ["data"], ["y"])).SerializeToString())
    _, _, err = run(capsys, "layers", "--model", "unnamed.onnx")
    assert err.startswith("the output shape of node 0, Wonder is unknown: its type Wonder is unknown; pass")


def test_layers_as_json_has_names_as_they_are(capsys: Captured) -> None:
    _, out, _ = run(capsys, "layers", *NET, "--format", "json")
    layers = json.loads(out)["layers"]
    assert [layer["name"] for layer in layers][3:6] == ["add", "", "if"]
    assert layers[0] == {
        "name": "conv1",
        "type": "Conv",
        "quantizable": True,
        "reason": None,
        "weight_shape": [8, 3, 3, 3],
        "fusion": ["conv1", "bn1"],
        "fusion_reason": None,
        "output_shapes": [[1, 8, 6, 6]],
        "parameters": 216,
        "macs": 7776,
        "float_bytes": 864,
        "int8_bytes": 280,
        "unknown_shape": None,
    }
    assert json.loads(out)["totals"]["unknown"] == 2


def test_compile_says_what_is_not_quantizable(capsys: Captured) -> None:
    status, _, err = run(capsys, "compile", *NET, "--config", "quant.cfg", "-o", "config.json")
    assert status == 0
    parts = (
        "2 layers quantized, 1 skipped, 1 tensor, 1 not quantizable: pool (1-D pooling), 1 fused, 0 warnings"
    )
    assert err == f"config.json: {parts}\n"
    config = json.loads(Path("config.json").read_text())
    assert config["tensor_quantize"][0]["layer_name"] == "add"
    assert [name for name in config if isinstance(config[name], dict)] == ["conv1", "conv2", "fc"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "quant.cfg"),
        ("compile", "--config", "quant.cfg"),
        ("explain", "--config", "quant.cfg", "conv1"),
        ("layers",),
        ("schema",),
    ],
    ids=" ".join,
)
def test_commands_read_the_model_of_the_option_the_comment_or_the_settings(
    arguments: tuple[str, ...], capsys: Captured
) -> None:
    by_option = run(capsys, *arguments, *NET)
    assert by_option[0] == 0
    Path("quantcfg.toml").write_text('model = "net.onnx"')
    assert run(capsys, *arguments) == by_option


def test_the_comment_at_the_top_names_the_model(capsys: Captured) -> None:
    assert run(capsys, "compile", "--config", "named.cfg") == run(
        capsys, "compile", "--config", "quant.cfg", *NET
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "quant.cfg"),
        ("compile",),
        ("decompile", "config.json"),
        ("diff", "quant.cfg", "named.cfg"),
        ("explain",),
        ("layers",),
        ("schema",),
    ],
    ids=" ".join,
)
def test_weights_beside_an_onnx_model_are_a_usage_error(arguments: tuple[str, ...], capsys: Captured) -> None:
    error = usage_error(capsys, *arguments, *NET, "--weights", "weights.caffemodel")
    expected = "--weights cannot be used with an ONNX model, which contains its weights"
    assert error == f"quantcfg {arguments[0]}: error: {expected}"


def test_weights_that_a_file_names_beside_an_onnx_model_are_an_error_there(capsys: Captured) -> None:
    Path("named.cfg").write_text("# quantcfg-model: net.onnx\n# quantcfg-weights: weights.caffemodel\n")
    status, out, _ = run(capsys, "check", "named.cfg", "--format", "concise")
    assert status == 1
    assert out.startswith("named.cfg:2:21: error[QC334]")


# --- an ONNX model in place of another file


@pytest.mark.parametrize(
    ("arguments", "wanted", "help"),
    [
        (("fmt",), "a quant.cfg or a model in text format", None),
        (("fmt", "--check"), "a quant.cfg or a model in text format", None),
        (("migrate",), "a quant.cfg", None),
        (("check",), "a quant.cfg or a JSON configuration", "pass it with --model"),
        (("compile", *NET, "--config"), "a quant.cfg", "pass it with --model"),
        (("decompile", *NET), "a JSON configuration", "pass it with --model"),
        (("diff", *NET, "quant.cfg"), "a quant.cfg or a JSON configuration", "pass it with --model"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_model_in_place_of_text_is_called_what_it_is(
    arguments: tuple[str, ...], wanted: str, help: str | None, capsys: Captured
) -> None:
    before = Path("net.onnx").read_bytes()
    status, out, err = run(capsys, *arguments, "net.onnx")
    assert status == (2 if arguments[0] == "diff" else 1)
    message = f'net.onnx: error[QC117]: "net.onnx" is an ONNX model, not {wanted}\n'
    assert message + (f"  = help: {help}\n" if help else "") in out + err
    assert "help: " not in out + err or help
    assert Path("net.onnx").read_bytes() == before


PIPE = """\
"{0}" is an ONNX model, not a prototxt
  = help: pass it as a file, not through a pipe
"""


def test_a_model_on_standard_input_is_called_what_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    content = Path("net.onnx").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    status, _, err = run(capsys, "compile", "--model", "-")
    assert (status, PIPE.format("<stdin>") in err) == (1, True)


def test_a_model_through_a_pipe_is_called_what_it_is(capsys: Captured) -> None:
    reader, writer = os.pipe()
    os.write(writer, Path("net.onnx").read_bytes())
    os.close(writer)
    status, _, err = run(capsys, "layers", "--model", f"/dev/fd/{reader}")
    os.close(reader)
    assert (status, PIPE.format(f"/dev/fd/{reader}") in err) == (1, True)


def test_a_model_in_place_of_weights_is_called_what_it_is(capsys: Captured) -> None:
    status, _, err = run(capsys, "layers", "--model", "deploy.prototxt", "--weights", "net.onnx")
    assert status == 1
    assert 'error[QC117]: "net.onnx" is an ONNX model, not a caffemodel\n' in err


def test_an_output_cannot_replace_the_model(capsys: Captured) -> None:
    before = Path("net.onnx").read_bytes()
    status, _, err = run(capsys, "compile", *NET, "-o", "net.onnx")
    assert status == 1
    assert 'error[QC503]: cannot write "net.onnx": is an input file' in err
    assert Path("net.onnx").read_bytes() == before


# --- without a model


def test_the_edition_is_an_option_of_commands_that_need_no_model(capsys: Captured) -> None:
    assert run(capsys, "check", "quant.cfg", "--edition", "onnx")[0] == 0
    assert run(capsys, "check", "quant.cfg", "--edition", "caffe")[0] == 1
    assert run(capsys, "check", "quant.cfg")[0] == 1
    Path("quantcfg.toml").write_text('edition = "onnx"')
    assert run(capsys, "check", "quant.cfg")[0] == 0


@pytest.mark.parametrize("content", [None, b"", b"\x08\x08"])
def test_a_model_that_cannot_be_read_decides_the_edition_too(content: bytes | None, capsys: Captured) -> None:
    if content is not None:
        Path("broken.onnx").write_bytes(content)
    status, out, _ = run(capsys, "check", "quant.cfg", "--model", "broken.onnx", "--format", "concise")
    assert status == 1
    assert len(out.splitlines()) == 1
    assert "QC451" not in out


def test_a_request_is_migrated_for_the_model_that_it_names(capsys: Captured) -> None:
    assert run(capsys, "migrate", "--check", "named.cfg")[0] == 0
    assert run(capsys, "migrate", "--check", "quant.cfg")[0] == 1
    assert run(capsys, "migrate", "--check", "quant.cfg", "--edition", "onnx")[0] == 0
    Path("quantcfg.toml").write_text('model = "net.onnx"')
    assert run(capsys, "migrate", "--check", "quant.cfg")[0] == 0


def test_the_schema_of_an_edition_is_printed_as_published(capsys: Captured) -> None:
    for name in ("caffe", "onnx"):
        assert run(capsys, "schema", "--edition", name) == (0, edition_named(name).schema.text, "")


def test_configurations_of_one_edition_are_compared(capsys: Captured) -> None:
    for config, out in [("quant.cfg", "a.json"), (None, "b.json")]:
        request = ("--config", config) if config else ()
        assert cli.main(["compile", *NET, *request, "-o", out]) == 0
    capsys.readouterr()
    status, out, err = run(capsys, "diff", "a.json", "b.json", "--edition", "onnx")
    assert (status, err) == (1, "")
    assert "batch_num: 2 → 1" in out
    assert '"conv2" is quantized now' in out


def test_a_configuration_of_the_other_edition_is_one_error(capsys: Captured) -> None:
    assert cli.main(["compile", *NET, "--config", "quant.cfg", "-o", "onnx.json"]) == 0
    assert cli.main(["compile", "--model", "deploy.prototxt", "-o", "caffe.json"]) == 0
    capsys.readouterr()
    for arguments in (("check", "onnx.json"), ("diff", "onnx.json", "caffe.json")):
        _, out, err = run(capsys, *arguments)
        assert (out + err).count("error[") == 1
        assert "error[QC451]: this file is for AMCT for ONNX, not for AMCT for Caffe" in out + err


def test_files_of_two_editions_are_not_compared(capsys: Captured) -> None:
    Path("caffe.cfg").write_text("# quantcfg-model: deploy.prototxt\n")
    error = usage_error(capsys, "diff", "named.cfg", "caffe.cfg")
    assert error == "quantcfg diff: error: named.cfg is for AMCT for ONNX, and caffe.cfg for AMCT for Caffe"


def test_a_network_with_a_function_says_that_it_is_not_read(capsys: Captured) -> None:
    function = helper.make_function(
        "own", "Block", ["x"], ["y"], [node("Relu", ["x"], ["y"])], [helper.make_opsetid("", 13)]
    )
    content = model(node("Block", ["data"], ["y"], name="block", domain="own"), functions=[function])
    Path("function.onnx").write_bytes(content.SerializeToString())
    _, out, _ = run(capsys, "layers", "--model", "function.onnx")
    assert "the nodes of the function are not read" in out


# --- explain


def test_explain_shows_the_quantized_inputs_of_a_node(capsys: Captured) -> None:
    status, out, _ = run(capsys, "explain", *NET, "--config", "quant.cfg", "add")
    assert status == 0
    assert "  cannot be quantized: only its inputs can be quantized, by tensor_quantize\n" in out
    assert re.search(r'tensor_quantize\[0\]\.layer_name +"add" +layer_name \(quant\.cfg:3:31\)', out)
    _, out, _ = run(
        capsys, "explain", *NET, "--config", "quant.cfg", "add", "search_step", "--format", "json"
    )
    (layer,) = json.loads(out)["layers"]
    (value,) = layer["values"]
    assert value["path"] == ["tensor_quantize", 0, "activation_quant_params", "search_step"]


def test_explain_of_an_unknown_key_of_a_quantized_input_is_an_error(capsys: Captured) -> None:
    status, _, err = run(capsys, "explain", *NET, "--config", "quant.cfg", "add", "num_of_bins")
    assert (status, "error[QC513]" in err) == (1, True)
    status, _, err = run(capsys, "explain", *NET, "add", "search_step")
    assert (status, "error[QC515]" in err) == (1, True)


@pytest.mark.parametrize(
    ("asked", "row"),
    [
        (("fakequant_precision_mode",), "fakequant_precision_mode  null  not set"),
        (("tensor_quantize",), "tensor_quantize  []  default"),
        (("conv1", "dmq_balancer_param"), "dmq_balancer_param  null  not set"),
    ],
)
def test_explain_of_a_known_key_that_is_not_set_says_so(
    asked: tuple[str, ...], row: str, capsys: Captured
) -> None:
    status, out, _ = run(capsys, "explain", *NET, *asked)
    assert status == 0
    assert out.splitlines()[-1].strip() == row


def test_explain_says_why_a_layer_has_no_balance_step(capsys: Captured) -> None:
    net = model(node("AveragePool", ["data"], ["out"], name="pool", kernel_shape=[2, 2]))
    Path("pool.onnx").write_bytes(net.SerializeToString())
    _, out, _ = run(capsys, "explain", "--model", "pool.onnx", "pool", "dmq_balancer_param")
    assert out.endswith("null  not set: type AveragePool is not supported\n")
