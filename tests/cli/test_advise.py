"""The command advise."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft7Validator
from PIL import Image

from quantcfg import QuantConfigError, Simulation, advise, compile_config, contracts, read_model
from quantcfg.__main__ import interruptible
from quantcfg.advice import ArgumentError, advise_on, quant_cfg_format, text_format
from quantcfg.advice.images import dead_leaves
from quantcfg.advice.running import Executable
from quantcfg.cli import main
from quantcfg.diagnostics.terminal import width
from quantcfg.source import Source
from quantcfg.textproto.literals import encode_string
from quantcfg.weights.arrays import Array
from tests.advice.nets import caffemodel
from tests.caffe.test_models import WITH_WEIGHTS
from tests.laws import TWICE, calls
from tests.networks import batch_norm, conv, inner_product, layer, pool, scale
from tests.shared import MODELS, needs_shared, small_first

Captured = pytest.CaptureFixture[str]

NET = ("advise", "--model", "deploy.prototxt", "--weights", "net.caffemodel")
CONV = "num_output: 8 kernel_size: 3 pad: 1"
LAYERS = (
    conv("conv1", parameters=CONV),
    batch_norm("bn", "conv1"),
    scale("scale", "bn", parameters="bias_term: true"),
    layer("relu", "ReLU", "scale", "scale"),
    conv("conv2", "scale", parameters=CONV),
    pool("pool", "conv2", parameters="pool: AVE kernel_size: 2 stride: 2"),
    inner_product("fc", "pool"),
)
ONE_FACTOR = "common_config { arq_quantize { channel_wise: false } }"
NO_OFFSET = "activation_offset: false"


def weights() -> dict[str, list[Array]]:
    """Return weights of which conv2 has one channel far larger than the others."""
    random = np.random.default_rng(0)

    def normal(*shape: int) -> Array:
        return random.normal(0, 1, shape).astype(np.float32)

    large = normal(8, 8, 3, 3)
    large[0] *= 40
    ones = np.ones(8, np.float32)
    return {
        "conv1": [normal(8, 3, 3, 3), normal(8)],
        "bn": [normal(8), ones, ones[:1]],
        "scale": [ones, normal(8)],
        "conv2": [large, normal(8)],
        "fc": [normal(8, 128), normal(8)],
    }


def write(
    blobs: Mapping[str, Sequence[Array]] | None = None,
    layers: Sequence[str] = LAYERS,
    inputs: str = 'input: "data" input_shape { dim: [1, 3, 8, 8] }',
) -> None:
    Path("deploy.prototxt").write_text("\n".join((inputs, *layers)))
    blobs = weights() if blobs is None else blobs
    Path("net.caffemodel").write_bytes(caffemodel(blobs, dict.fromkeys(blobs, "")))


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write()


def printed(capsys: Captured, *arguments: str) -> tuple[list[str], list[str]]:
    assert main([*NET, *arguments]) == 0
    output = capsys.readouterr()
    return output.out.splitlines(), output.err.splitlines()


def content(capsys: Captured, *arguments: str) -> dict[str, Any]:
    assert main([*NET, "--format", "json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    Draft7Validator(contracts.schema("advice.schema.json")).validate(found)
    return found


def configured(text: str) -> tuple[str, str]:
    Path("quant.cfg").write_text(text)
    return "--config", "quant.cfg"


def items(found: Mapping[str, Any], field: str | None) -> list[tuple[list[str], str]]:
    return [(each["layers"], each["kind"]) for each in found["advice"] if each["field"] == field]


# --- from the weights


def test_the_schema_is_valid() -> None:
    Draft7Validator.check_schema(contracts.schema("advice.schema.json"))


def test_the_table_has_the_quantizable_layers(capsys: Captured) -> None:
    out, err = printed(capsys)
    assert out[0].split() == ["layer", "type", "MACs", "mode", "channel", "tensor", "gain", "range"]
    assert [line.split()[:2] for line in out[1:5]] == [
        ["conv1", "Convolution"],
        ["conv2", "Convolution"],
        ["pool", "Pooling"],
        ["fc", "InnerProduct"],
    ]
    assert out[out.index("") + 1 :] == [
        'rule: see "conv1" and "fc": AMCT suggests looking at the first and last layers; --simulate ranks',
        "  layers better",
    ]
    assert err == []


def test_channel_wise_is_advised_only_where_it_is_off_and_the_gain_is_large(capsys: Captured) -> None:
    assert items(content(capsys), "channel_wise") == []
    found = content(capsys, *configured(ONE_FACTOR))
    assert items(found, "channel_wise")[0] == (["conv2"], "predicted")
    assert all("fc" not in names for names, _ in items(found, "channel_wise"))
    by_name = {each["name"]: each for each in found["layers"]}
    numbers = by_name["conv2"]["weights"]
    assert numbers["gain_db"] == pytest.approx(numbers["channel_wise_db"] - numbers["per_tensor_db"])
    assert numbers["range_ratio"] > 10
    assert by_name["bn"]["weights"] is None


def test_an_offset_is_advised_only_for_inputs_that_are_never_negative(capsys: Captured) -> None:
    assert items(content(capsys), "asymmetric") == []
    assert items(content(capsys, *configured(NO_OFFSET)), "asymmetric") == [(["conv2"], "exact")]


def test_a_skipped_layer_is_not_quantized(capsys: Captured) -> None:
    found = content(capsys, *configured('skip_layers: "conv2"'))
    quantized = {each["name"]: each["quantized"] for each in found["layers"]}
    assert (quantized["conv1"], quantized["conv2"], quantized["bn"]) == (True, False, False)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_reported(value: float, capsys: Captured) -> None:
    blobs = weights()
    blobs["conv2"][0][1, 2, 0, 0] = value
    write(blobs)
    assert items(content(capsys, "--simulate"), "quant_enable")[0] == (["conv2"], "exact")


def test_a_fold_that_is_not_exact_is_reported(capsys: Captured) -> None:
    layers = (
        batch_norm("bn", "data"),
        scale("scale", "bn", parameters="bias_term: true"),
        conv("conv1", "scale", parameters=CONV),
    )
    ones = np.ones(3, np.float32)
    blobs = {"bn": [ones, ones, ones[:1]], "scale": [ones, 2 * ones], "conv1": weights()["conv1"]}
    write(blobs, layers=layers)
    reasons = [each["reason"] for each in content(capsys)["advice"] if each["kind"] == "exact"]
    assert reasons == ["folding the BatchNorm before it is not exact, because the convolution pads its input"]
    assert content(capsys, *configured("do_fusion: false"))["advice"][0]["kind"] == "rule"
    # A shift of 0, as the mean and the bias are 0, needs no other padding.
    write({**blobs, "bn": [0 * ones, ones, ones[:1]], "scale": [ones, 0 * ones]}, layers=layers)
    assert content(capsys)["advice"][0]["kind"] == "rule"


@pytest.mark.parametrize(
    ("name", "changed", "wrong"),
    [
        ("bn", lambda arrays: [arrays[0], -arrays[1], arrays[2]], "weights are"),
        ("bn", lambda arrays: [3e38 * arrays[0], arrays[1], 1e-45 * arrays[2]], "bias is"),
        ("scale", lambda arrays: [3e38 * arrays[0], arrays[1]], "weights are"),
    ],
    ids=["negative variance", "huge mean", "huge factor"],
)
def test_weights_that_overflow_in_folding_are_reported(
    name: str, changed: Any, wrong: str, capsys: Captured, recwarn: pytest.WarningsRecorder
) -> None:
    blobs = weights()
    blobs[name] = [each.astype(np.float32) for each in changed(blobs[name])]
    blobs["conv1"][0] *= 100
    write(blobs)
    found = content(capsys, "--simulate")
    assert found["advice"][0] == {
        "layers": ["conv1"],
        "field": "quant_enable",
        "value": False,
        "kind": "exact",
        "reason": f"its {wrong} not finite after folding: AMCT refuses to quantize it",
    }
    assert found["notes"][0].startswith(f'no simulation: "conv1": its {wrong} not finite')
    assert not recwarn.list


def test_values_that_overflow_have_no_shares(capsys: Captured) -> None:
    blobs = weights()
    blobs["conv2"][0] *= np.float32(1e36)
    write(blobs)
    found = content(capsys, "--simulate")
    by_name = {each["name"]: each for each in found["layers"]}
    assert by_name["conv2"]["simulated"] == {"output_db": None, "share_of_error": None}
    assert by_name["conv2"]["weights"]["gain_db"] > 5
    assert found["notes"][0].startswith("activations overflow at ")
    assert items(found, "quant_enable") == []


@pytest.mark.parametrize(
    ("name", "changed", "error", "reason"),
    [
        ("bn", lambda arrays: arrays[:2], "2 blobs, but the prototxt needs 3", "2 blobs, but needs 3"),
        ("bn", lambda arrays: [each[:1] for each in arrays], "1", "blob of 1 value, but needs 8"),
        ("conv2", lambda arrays: [arrays[0][:, :, :2], arrays[1]], "8x8x2x3", "384 values, but needs 576"),
        ("fc", lambda arrays: arrays[:1], "1 blob", "1 blob, but needs 2"),
    ],
    ids=["no third blob", "statistics", "weight", "no bias"],
)
def test_weights_that_do_not_fit_are_reported(
    name: str, changed: Any, error: str, reason: str, capsys: Captured
) -> None:
    blobs = weights()
    blobs[name] = changed(blobs[name])
    write(blobs)
    assert main([*NET, "--simulate"]) == 0
    output = capsys.readouterr()
    line = next(
        at
        for at, text in enumerate(Path("deploy.prototxt").read_text().splitlines(), 1)
        if f'name: "{name}"' in text
    )
    assert output.err.startswith(f"deploy.prototxt:{line}:9: warning[QC313]: weights in ")
    assert error in output.err
    (shown,) = (text for text in output.out.splitlines() if text.startswith(f'exact: see "{name}": '))
    assert reason in shown
    assert f'no simulation: "{name}": its weights do not fit' in output.err
    assert any(text.startswith("conv1 ") for text in output.out.splitlines())


def test_a_layer_without_outputs_is_reported(capsys: Captured) -> None:
    write(layers=(conv("conv1", parameters="num_output: 0 kernel_size: 3"), *LAYERS[1:]))
    out, err = printed(capsys, "--simulate")
    assert err[0].startswith("deploy.prototxt:3:9: warning[QC324]: ")
    assert any(line.startswith('the output shape of "conv1" is unknown') for line in err)
    assert "no simulation: shapes are unknown" in err
    assert any(line.startswith("conv2 ") for line in out)


def test_an_input_of_unknown_shape_can_be_given(capsys: Captured) -> None:
    write(inputs='input: "data"')
    found = content(capsys, "--simulate")
    assert found["notes"] == [
        'the output shape of "conv1" is unknown: the shape of its input "data" is unknown; '
        "pass its shape, such as --input data=1,3,224,224",
        "no simulation: shapes are unknown",
    ]
    assert content(capsys)["notes"] == found["notes"][:1]
    assert "--simulate" not in json.dumps(content(capsys)["advice"])
    given = content(capsys, "--simulate", "--input", "1,3,8,8")
    assert all(each["simulated"] for each in given["layers"] if each["quantized"])


def test_weights_behind_2_gigabytes_are_read(capsys: Captured) -> None:
    """The file is sparse; protobuf, and so Caffe, cannot read it."""
    expected = content(capsys)
    size = 5 * 2**29
    named = b"\x0a\x05other\x3a" + varint(size + 6) + b"\x2a" + varint(size)
    rest = Path("net.caffemodel").read_bytes()
    with open("net.caffemodel", "wb") as file:
        file.write(b"\xa2\x06" + varint(len(named) + size) + named)
        file.seek(size, os.SEEK_CUR)
        file.write(rest)
    assert content(capsys) == expected


def varint(number: int) -> bytes:
    groups = [number >> shift & 0x7F for shift in range(0, 35, 7) if number >> shift]
    return bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])


def test_statistics_that_were_never_taken_are_reported(capsys: Captured) -> None:
    blobs = weights()
    blobs["bn"][2] = np.zeros(1, np.float32)
    write(blobs)
    reasons = [each["reason"] for each in content(capsys)["advice"] if each["layers"] == ["bn"]]
    assert reasons == ["BatchNorm has no statistics (its scale factor is 0)"]


def test_channels_that_are_quantized_to_zero_are_counted(capsys: Captured) -> None:
    blobs = weights()
    blobs["conv2"][0][3:5] = 0
    write(blobs)
    found = content(capsys)
    assert next(each for each in found["layers"] if each["name"] == "conv2")["weights"]["dead_channels"] == 2
    assert ["conv2"] in [names for names, kind in items(found, None) if kind == "exact"]


@pytest.mark.parametrize("name", ["conv2", "bn", "scale"])
@pytest.mark.parametrize("inputs", ['input: "data" input_shape { dim: [1, 3, 8, 8] }', 'input: "data"'])
def test_missing_weights_are_reported_without_a_traceback(name: str, inputs: str, capsys: Captured) -> None:
    blobs = weights()
    del blobs[name]
    write(blobs, inputs=inputs)
    assert main([*NET, "--simulate"]) == 0
    output = capsys.readouterr()
    assert f'"{name}"' in output.out + output.err


def test_a_table_is_sorted_by_a_column_and_fits_a_terminal(capsys: Captured) -> None:
    write(layers=[each.replace("conv2", "largest/" * 9 + "层" * 9) for each in LAYERS])
    for column in text_format.COLUMNS[:-2]:
        out, _ = printed(capsys, "--sort", column)
        assert max(map(width, out[: out.index("")])) <= 100
    write()
    gains = [line.split()[0] for line in printed(capsys, "--sort", "gain")[0][1:4]]
    assert gains[0] == "conv2"


def test_at_most_ten_items_of_advice_are_shown(capsys: Captured) -> None:
    many = [conv(f"conv{index}", "data", parameters=CONV) for index in range(20)]
    blobs = {f"conv{index}": [np.full((8, 3, 3, 3), np.nan, np.float32)] * 1 for index in range(20)}
    write({name: [*each, np.zeros(8, np.float32)] for name, each in blobs.items()}, layers=many)
    out, _ = printed(capsys)
    advice = [line for line in out[out.index("") + 1 :] if not line.startswith("  ")]
    assert len(advice) == 10
    assert advice[-1].endswith(" more in the JSON format")


def test_the_output_goes_to_a_file(capsys: Captured) -> None:
    out, _ = printed(capsys)
    assert printed(capsys, "-o", "advice.txt")[0] == []
    assert Path("advice.txt").read_text().splitlines() == out
    content = Path("net.caffemodel").read_bytes()
    assert main([*NET, "-o", "net.caffemodel"]) == 1
    assert "is an input file" in capsys.readouterr().err
    assert Path("net.caffemodel").read_bytes() == content


@pytest.mark.parametrize(("arguments", "expected"), [((), 1), (("--simulate",), 2)])
def test_the_model_is_read_once_and_again_only_for_one_image(
    arguments: Sequence[str], expected: int, capsys: Captured
) -> None:
    """The batch is 2, but a simulation runs one image at a time."""
    write(inputs='input: "data" input_shape { dim: [2, 3, 8, 8] }')
    assert called("read_operations", lambda: printed(capsys, *arguments)) == expected
    write()
    assert called("read_operations", lambda: printed(capsys, *arguments)) == 1


def called(name: str, work: Callable[[], object]) -> int:
    """Return how often a function of the Caffe edition's operations is called."""
    count = 0

    def profile(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        is_it = frame.f_code.co_name == name and frame.f_code.co_filename.endswith(
            "caffe/layer_operations.py"
        )
        count += event == "call" and is_it

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.slow
def test_the_work_grows_in_step_with_the_layers() -> None:
    def work(count: int) -> int:
        names = [f"conv{index}" for index in range(count)]
        write({name: weights()["conv1"] for name in names}, [conv(name, parameters=CONV) for name in names])
        network = read_model("deploy.prototxt", "net.caffemodel")
        return calls(lambda: advise(network, "net.caffemodel", config_text=ONE_FACTOR))

    work(1)  # What is made once is made here.
    assert work(80) < TWICE * work(40)


# --- simulation


def test_a_simulation_shares_out_the_error(capsys: Captured) -> None:
    found = content(capsys, "--simulate", *configured(ONE_FACTOR))
    simulated = {each["name"]: each["simulated"] for each in found["layers"] if each["simulated"]}
    assert list(simulated) == ["conv1", "conv2", "pool", "fc"]
    assert sum(each["share_of_error"] for each in simulated.values()) == pytest.approx(1)
    most = max(simulated, key=lambda name: simulated[name]["share_of_error"])
    assert items(found, "quant_enable") == [([most], "simulated")]


def test_a_simulation_is_repeatable(capsys: Captured) -> None:
    first = content(capsys, "--simulate")
    assert content(capsys, "--simulate") == first
    assert content(capsys, "--simulate", "--seed", "1") != first


def test_a_time_limit_keeps_what_is_known(capsys: Captured) -> None:
    found = content(capsys, "--simulate", "--time-limit", "0")
    assert (
        found["notes"][0]
        == "the time limit ended the simulation after 0 of 4 layers: no layers to skip are advised"
    )
    assert len(found["notes"]) == 1
    assert items(found, "quant_enable") == []
    assert ["conv1", "fc"] in [names for names, kind in items(found, None) if kind == "rule"]


def test_a_time_limit_ends_the_search_for_a_range(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    from quantcfg.advice import calibration, outcome

    searches = 0
    loss = calibration._loss

    def counted(*arguments: Any, **options: Any) -> float:
        nonlocal searches
        searches += 1
        return loss(*arguments, **options)

    monkeypatch.setattr(calibration, "_loss", counted)
    monkeypatch.setattr(outcome, "monotonic", lambda: float(searches))
    step = configured("common_config { ifmr_quantize { search_step: 1e-4 } }")
    found = content(capsys, "--simulate", "--time-limit", "10", *step)
    assert found["notes"][0].startswith("the time limit ended the simulation after 0 of 4 layers")
    assert searches < 20


def test_an_interrupt_keeps_what_is_known(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    from quantcfg.advice import outcome

    def errors(executable: Executable, *_: object) -> Any:
        yield "conv1", 1e-4
        signal.raise_signal(signal.SIGINT)
        executable.check()

    monkeypatch.setattr(outcome, "layer_errors", errors)
    # As in a terminal: a process in the background may have been started to ignore it.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        assert main([*NET, "--format", "json", "--simulate"], interruptible=interruptible) == 0
        found = json.loads(capsys.readouterr().out)
        assert main([*NET, "--format", "cfg", "--simulate"], interruptible=interruptible) == 0
        out, err = (text.splitlines() for text in capsys.readouterr())
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)
    by_name = {each["name"]: each["simulated"] for each in found["layers"]}
    assert by_name["conv1"] == {"output_db": pytest.approx(40), "share_of_error": None}
    assert by_name["conv2"] is None
    ended = "an interrupt ended the simulation after 1 of 4 layers"
    assert found["notes"][0] == f"{ended}: no layers to skip are advised"
    assert out == ["# Nothing is advised from the weights. The simulation ended after 1 of 4 layers."]
    assert err[-1] == "the quant.cfg does not have the result of the whole simulation"


def test_the_library_does_not_catch_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    from quantcfg.advice import outcome

    def errors(*_: object) -> Any:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(outcome, "layer_errors", errors)
    network = read_model("deploy.prototxt", "net.caffemodel")
    with pytest.raises(KeyboardInterrupt):
        advise(network, "net.caffemodel", simulation=Simulation())


def test_a_layer_that_cannot_be_run_prevents_only_the_simulation(capsys: Captured) -> None:
    write(layers=(*LAYERS, layer("strange", "Wonder", "fc")))
    out, err = printed(capsys, "--simulate")
    assert any(line.startswith("no simulation: ") for line in err)
    assert any(line.startswith("conv2") for line in out)


def test_layers_with_nuq_are_not_simulated() -> None:
    network = read_model("deploy.prototxt", "net.caffemodel")
    config = json.loads(compile_config(network).text or "")
    config["conv2"]["weight_quant_params"] = {"wts_algo": "nuq_quantize", "num_steps": 16}
    weights = network.edition.computation().read(network, "net.caffemodel", lambda _: None)
    assert weights
    advice = advise_on(
        network, config, weights, network.edition.read_operations(network, {}), {}, simulation=Simulation()
    )
    assert advice.notes[0] == '"conv2" is not simulated: NUQ is not public'
    assert {each.name for each in advice.layers if each.simulated} == {"conv1", "pool", "fc"}


def test_layers_with_a_tiny_search_step_are_not_simulated(capsys: Captured) -> None:
    found = content(
        capsys, "--simulate", *configured("common_config { ifmr_quantize { search_step: 1e-6 } }")
    )
    assert found["notes"][0] == (
        '"conv1" is not simulated: with its search_step, IFMR tries 600,000 ranges of 384 values'
    )
    assert found["notes"][-1] == "no simulation: no layer can be simulated"


def test_the_only_layer_is_not_skipped(capsys: Captured) -> None:
    write({"conv1": weights()["conv1"]}, layers=LAYERS[:1])
    found = content(capsys, "--simulate")
    assert found["layers"][0]["simulated"]["share_of_error"] == 1
    assert items(found, "quant_enable") == []


def test_a_network_that_needs_too_much_memory_is_not_simulated(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    from quantcfg.advice import outcome

    _, err = printed(capsys, "--simulate", "--count", str(10**12))
    assert err[0].startswith("no simulation: it needs about ")
    monkeypatch.setattr(outcome, "available_bytes", lambda: 1000)
    _, err = printed(capsys, "--simulate")
    assert err[0].startswith("no simulation: it needs about 0.0 GB of memory, and 0.0 GB are available")


def test_images_are_read_from_a_file(capsys: Captured) -> None:
    np.save("images.npy", np.random.default_rng(0).normal(0, 1, (3, 3, 8, 8)))
    found = content(capsys, "--simulate", "--images", "images.npy", "--count", "2", "--mean", "1,2,3")
    assert found["notes"][-1] == "simulated with 2 images of images.npy; AMCT's own calibration decides"


def test_images_without_known_preprocessing_have_mean_0_and_variance_1(capsys: Captured) -> None:
    note = "mean and scale are unknown; images are standardized: pass --mean and --scale"
    found = content(capsys, "--simulate")
    assert note in found["notes"]
    np.save("images.npy", 5 + 3 * dead_leaves((1, 3, 8, 8), 2, 0))
    for arguments in (("--scale", "1"), ("--mean", "0"), ("--images", "images.npy")):
        given = content(capsys, "--simulate", *arguments)
        assert note not in given["notes"]
        assert given["layers"] != found["layers"]
    images = dead_leaves((1, 3, 8, 8), 2, 0)
    mean, scale = str(images.mean(dtype=np.float64)), str(1 / images.std(dtype=np.float64))
    same = content(capsys, "--simulate", "--mean", mean, "--scale", scale)
    for one, other in zip(found["layers"], same["layers"], strict=True):
        assert one["simulated"] == (other["simulated"] and pytest.approx(other["simulated"], rel=1e-3))


@pytest.mark.parametrize(
    ("images", "output"),
    [
        ("x.npy", "x.npy"),
        ("data=x.npy", "link.npy"),
        ("folder", "folder/a.png"),
        ("data=folder", "folder/a.png"),
    ],
)
def test_no_output_replaces_the_images(images: str, output: str, capsys: Captured) -> None:
    write()
    np.save("x.npy", np.ones((2, 3, 8, 8)))
    Path("link.npy").symlink_to("x.npy")
    Path("folder").mkdir()
    Image.new("RGB", (8, 8)).save("folder/a.png")
    before = Path(output).read_bytes()
    assert main([*NET, "--simulate", "--images", images, "-o", output]) == 1
    assert "error[QC503]: cannot write" in capsys.readouterr().err
    assert Path(output).read_bytes() == before


def test_the_preprocessing_of_the_network_is_the_default(capsys: Captured) -> None:
    data = layer(
        "data",
        "Input",
        (),
        input_param="shape { dim: [1, 3, 8, 8] }",
        transform_param="mean_value: 100 scale: 0.02",
    )
    write(inputs=data)
    found = content(capsys, "--simulate")
    write()
    given = content(capsys, "--simulate", "--mean", "100", "--scale", "0.02")
    assert found["layers"][1:] == given["layers"]


def test_an_empty_file_name_is_not_a_missing_request(capsys: Captured) -> None:
    write()
    assert main([*NET, "--config", ""]) == 1
    assert 'cannot read ""' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--images", "absent.npy"), 'cannot read "absent.npy": no such file or directory'),
        (("--images", "deploy.prototxt"), "not an .npy file"),
        (("--images", "wrong.npy"), "the file has 2x3x9x9 values, but the input needs Nx3x8x8"),
        (("--images", "pipe"), "not a regular file"),
        (("--images", "objects.npy"), "not an .npy file"),
        (("--images", "nan.npy"), "the file contains values that are not finite"),
        (("--images", "."), "the directory contains no PNG or JPEG files"),
        (("--images", "damaged"), 'cannot read "damaged/a.png": not a PNG or JPEG file'),
    ],
)
def test_images_that_cannot_be_used_are_an_error(
    arguments: Sequence[str], reason: str, capsys: Captured
) -> None:
    np.save("wrong.npy", np.zeros((2, 3, 9, 9)))
    np.save("nan.npy", np.full((2, 3, 8, 8), np.nan))
    np.save("objects.npy", np.array([{}], object))
    os.mkfifo("pipe")
    Path("damaged").mkdir()
    Path("damaged/a.png").write_bytes(b"damaged")
    assert main([*NET, "--simulate", *arguments]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert reason in output.err
    assert "error[QC101]" in output.err


TWO_INPUTS = """
input: "left" input_shape { dim: [1, 3, 8, 8] }
input: "right" input_shape { dim: [1, 1, 8, 8] }
"""
SCALED = """
input: "left" input_shape { dim: [1, 3, 8, 8] }
input: "weights" input_shape { dim: [1, 8] }
"""


def write_two_images() -> None:
    layers = (
        conv("conv1", "left", parameters=CONV),
        conv("conv2", "right", parameters=CONV),
        layer("sum", "Eltwise", ("conv1", "conv2"), "sum"),
    )
    random = np.random.default_rng(0)
    blobs = {
        name: [random.normal(0, 1, (8, channels, 3, 3)).astype(np.float32), np.zeros(8, np.float32)]
        for name, channels in (("conv1", 3), ("conv2", 1))
    }
    write(blobs, layers=layers, inputs=TWO_INPUTS)


def write_image_and_factors() -> None:
    """Write a network with an input that is not an image."""
    layers = (
        conv("conv1", "left", parameters=CONV),
        layer("product", "Scale", ("conv1", "weights"), scale_param="axis: 0"),
    )
    write({"conv1": weights()["conv1"]}, layers=layers, inputs=SCALED)


def test_each_of_several_inputs_has_images(capsys: Captured) -> None:
    write_two_images()
    generated = content(capsys, "--simulate", "--input", "left=1,3,6,6", "--input", "right=1,1,6,6")
    np.save("left.npy", np.ones((4, 3, 8, 8)))
    np.save("right.npy", np.ones((3, 1, 8, 8)))
    found = content(capsys, "--simulate", "--images", "left=left.npy")
    assert found["notes"][-1] == (
        "simulated with 4 images of left.npy and generated ones; AMCT's own calibration decides"
    )
    both = content(capsys, "--simulate", "--images", "left=left.npy", "--images", "right=right.npy")
    assert both["notes"][-1] == (
        "simulated with 3 images of left.npy and right.npy; AMCT's own calibration decides"
    )
    for each in (generated, found, both):
        assert [layer["simulated"] is None for layer in each["layers"]] == [False, False, True]


def test_inputs_that_are_not_images_need_values(capsys: Captured) -> None:
    write_image_and_factors()
    _, err = printed(capsys, "--simulate")
    reason = 'the input "weights" has 2 axes, but images have 4'
    assert " ".join(err) == (f"no simulation: {reason}; pass its values, such as --images weights=values.npy")
    np.save("values.npy", np.ones((2, 8)))
    _, err = printed(capsys, "--simulate", "--images", "weights=values.npy")
    assert err[-1].startswith("simulated with 2 images of values.npy and generated ones; ")


def test_images_for_one_of_several_inputs_need_its_name(capsys: Captured) -> None:
    write_two_images()
    np.save("a=b.npy", np.ones((4, 3, 8, 8)))
    for arguments, expected in (
        (("--images", "a=b.npy"), '--images needs the name of an input: "left" and "right"'),
        (
            ("--images", "a=b.npy", "--images", "left=a=b.npy"),
            '--images a=b.npy needs the name of an input: "left" and "right"',
        ),
    ):
        with pytest.raises(SystemExit):
            main([*NET, "--simulate", *arguments])
        assert expected in capsys.readouterr().err
    network = read_model("deploy.prototxt", "net.caffemodel")
    with pytest.raises(ArgumentError, match='images names "other", not an input'):
        advise(network, "net.caffemodel", simulation=Simulation(images={"other": "a=b.npy"}))
    with pytest.raises(ValueError, match='inputs names "nosuch": not an input'):
        advise(network, "net.caffemodel", inputs={"nosuch": (1, 3, 8, 8)})
    write()
    printed(capsys, "--simulate", "--images", "a=b.npy")


def test_the_shares_are_of_the_layers_that_are_simulated(capsys: Captured) -> None:
    of_all = content(capsys, "--simulate")["notes"][0]
    assert of_all.startswith("with 4 layers quantized, the SQNR of the output is ")
    of_some = content(capsys, "--simulate", *configured('skip_layers: "fc"'))["notes"][0]
    assert of_some.startswith("with 3 of 4 layers quantized, the SQNR of the output is ")


def test_weights_of_another_network_are_reported_as_such(capsys: Captured) -> None:
    blobs = weights()
    blobs["other"] = blobs.pop("conv2")
    write(blobs)
    reasons = [each["reason"] for each in content(capsys)["advice"] if each["layers"] == ["conv2"]]
    assert reasons == ["its weights do not fit: the file has none for this layer"]
    write(inputs='input: "data"')
    found = content(capsys, "--input", "data=1,4,8,8")
    assert "weights do not fit; check the given input shapes, too" in found["notes"]


def test_names_that_are_empty_are_like_others(capsys: Captured) -> None:
    """A layer and a blob with an empty name must not be taken for something else."""
    layers = (
        conv("conv1", "", parameters=CONV),
        layer("", "ReLU", "conv1", "conv1"),
        layer("", "AbsVal", "conv1", "abs"),
        conv("conv2", "abs", parameters=CONV),
    )
    write({name: weights()[name] for name in ("conv1", "conv2")}, layers=layers, inputs='input: ""')
    found = content(capsys, "--simulate", "--input", "=1,3,8,8")
    simulated = [each["name"] for each in found["layers"] if each["simulated"]]
    assert simulated == ["conv1", "conv2"]
    assert content(capsys, "--simulate", "--input", "1,3,8,8") == found


# --- a quant.cfg


def test_the_quant_cfg_skips_what_is_advised_and_compiles(capsys: Captured) -> None:
    found = content(capsys, "--simulate")
    ((advised, _),) = items(found, "quant_enable")
    printed(capsys, "--simulate", "--format", "cfg", "-o", "quant.cfg")
    lines = Path("quant.cfg").read_text().splitlines()
    assert lines[0].startswith("# simulated: ")
    assert lines[1:] == [f'skip_layers: "{name}"' for name in advised]
    assert main(["fmt", "--check", "quant.cfg"]) == 0
    network = read_model("deploy.prototxt", "net.caffemodel")
    config = compile_config(network, config_text=Path("quant.cfg").read_text()).config
    assert config == compile_config(network, skip_layers=advised).config


def test_the_quant_cfg_has_no_settings_if_none_is_advised(capsys: Captured) -> None:
    out, _ = printed(capsys, "--format", "cfg")
    assert out == ["# Nothing is advised from the weights. No layer was simulated."]


def test_names_are_quoted_in_the_quant_cfg(capsys: Captured) -> None:
    name = 'a"b\\c'
    blobs = weights()
    blobs[name] = [np.full((8, 3, 3, 3), np.nan, np.float32), np.zeros(8, np.float32)]
    write(blobs, layers=[*LAYERS, conv(encode_string(name)[1:-1], "data", "other", parameters=CONV)])
    printed(capsys, "--format", "cfg", "-o", "quant.cfg")
    network = read_model("deploy.prototxt")
    config = compile_config(network, config_text=Path("quant.cfg").read_text()).config
    assert config == compile_config(network, skip_layers=[name]).config


def test_a_given_quant_cfg_is_replaced_and_keeps_its_comments_and_mode(capsys: Captured) -> None:
    configured(f"# mine\n{ONE_FACTOR}  # fast\n{NO_OFFSET}\n")
    Path("quant.cfg").chmod(0o604)
    advised = content(capsys, "--config", "quant.cfg")
    printed(capsys, "--config", "quant.cfg", "--format", "cfg", "-o", "./quant.cfg")
    text = Path("quant.cfg").read_text()
    assert "# mine\n" in text
    assert "# fast\n" in text
    assert Path("quant.cfg").stat().st_mode & 0o777 == 0o604
    (wide,) = (names for names, _ in items(advised, "channel_wise"))
    found = compile_config(read_model("deploy.prototxt"), config_text=text).config or {}
    factors = {name: found[name]["weight_quant_params"].get("channel_wise") for name in ("conv1", "conv2")}
    assert factors == {name: name in wide for name in factors}
    assert items(content(capsys, "--config", "quant.cfg"), "asymmetric") == []
    # Following the advice leaves nothing to advise.
    printed(capsys, "--config", "quant.cfg", "--format", "cfg", "-o", "quant.cfg")
    assert Path("quant.cfg").read_text() == text


def test_a_quant_cfg_is_read_from_standard_input(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    from io import BytesIO, TextIOWrapper

    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"# mine\nbatch_num: 2\n")))
    out, _ = printed(capsys, "--config", "-", "--simulate", "--format", "cfg")
    assert out[:2] == ["# mine", "batch_num: 2"]
    assert out[-1].startswith("skip_layers: ")


def test_only_a_quant_cfg_may_replace_the_given_one(capsys: Captured) -> None:
    configured("batch_num: 2\n")
    assert main([*NET, "--config", "quant.cfg", "-o", "quant.cfg"]) == 1
    assert "is an input file" in capsys.readouterr().err
    assert Path("quant.cfg").read_text() == "batch_num: 2\n"
    Path("quant.cfg").chmod(0o444)
    assert main([*NET, "--config", "quant.cfg", "--simulate", "--format", "cfg", "-o", "quant.cfg"]) == 1
    assert "is write-protected" in capsys.readouterr().err


def test_a_quant_cfg_that_does_not_compile_is_not_written(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        quant_cfg_format, "_extended", lambda source, _: Source(source.name, "batch_num: 0\n")
    )
    Path("quant.cfg").write_text("batch_num: 2\n")
    assert main([*NET, "--simulate", "--format", "cfg", "-o", "quant.cfg"]) == 1
    assert "error[" in capsys.readouterr().err
    assert Path("quant.cfg").read_text() == "batch_num: 2\n"


# --- usage


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--count", "2"), "--count requires --simulate"),
        (("--time-limit", "2"), "--time-limit requires --simulate"),
        (("--format", "json", "--sort", "gain"), "--sort requires --format text"),
        (("--sort", "share"), "--sort share requires --simulate"),
        (("--simulate", "--count", "0"), 'argument --count: expected an integer >= 1, found "0"'),
        (("--simulate", "--seed", "-1"), 'argument --seed: expected an integer >= 0, found "-1"'),
        (("--simulate", "--scale", "nan"), 'argument --scale: expected a number, found "nan"'),
        (("--simulate", "--mean", "1,x"), 'argument --mean: expected a number, found "x"'),
        (("--simulate", "--mean", ""), 'argument --mean: expected a number, found ""'),
        (("--simulate", "--mean", "1,2"), "--mean has 2 values, but the input has 3 channels"),
        (("--simulate", "--time-limit", "-1"), 'argument --time-limit: expected a number >= 0, found "-1"'),
        (("--input", "other=1,3,8,8"), '--input names "other": not an input or a blob of unknown shape'),
    ],
)
def test_options_that_cannot_be_used_are_a_usage_error(
    arguments: Sequence[str], expected: str, capsys: Captured
) -> None:
    with pytest.raises(SystemExit) as exited:
        main([*NET, *arguments])
    assert exited.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(expected)


def test_the_weights_are_required(capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        main([*NET[:3]])
    assert "the weights are required: use --weights" in capsys.readouterr().err


def test_a_request_with_errors_gets_no_advice(capsys: Captured) -> None:
    assert main([*NET, *configured("batch_num: 0")]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "batch_num" in output.err


# --- the library


def test_the_library_gives_the_same_advice(capsys: Captured) -> None:
    found = content(capsys, "--simulate", *configured(ONE_FACTOR))
    network = read_model("deploy.prototxt", "net.caffemodel")
    advice = advise(network, "net.caffemodel", config_text=ONE_FACTOR, simulation=Simulation())
    assert [list(each.layers) for each in advice.items] == [each["layers"] for each in found["advice"]]
    with pytest.raises(QuantConfigError):
        advise(network, "net.caffemodel", config_text="batch_num: 0")
    with pytest.raises(QuantConfigError):
        advise(network, "absent.caffemodel")


# --- real models

GIVEN = {"lenet_mnist": "data=1,1,28,28", "resnet20_cifar": "Data1=1,3,32,32"}
WORSE = f"{ONE_FACTOR}\n{NO_OFFSET}\n"


def of_model(model: str, *arguments: str) -> tuple[str, ...]:
    """Return the arguments for a model with weights."""
    folder = MODELS / model.partition("/")[0]
    given = [
        argument for name, shape in GIVEN.items() if name == folder.name for argument in ("--input", shape)
    ]
    files = ("--model", str(MODELS / f"{model}.prototxt"), "--weights", str(folder / "weights.caffemodel"))
    return (*files, *given, *arguments)


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize(
    "model", small_first(WITH_WEIGHTS, ("cifar10_quick_v1/deploy", "lenet_mnist/deploy"))
)
def test_the_quant_cfg_of_a_model_differs_where_the_advice_says(model: str, capsys: Captured) -> None:
    Path("given.cfg").write_text(WORSE)
    # The default settings need a simulation to be improved, which takes long for the large model.
    simulation = () if model.startswith("wechat") else ("--simulate", "--count", "1")
    for old, arguments in (("default.cfg", simulation), ("given.cfg", ("--config", "given.cfg"))):
        Path("default.cfg").write_text("")
        advice = advised_changes(capsys, of_model(model, *arguments))
        assert main(["advise", *of_model(model, *arguments, "--format", "cfg", "-o", "new.cfg")]) == 0
        files = of_model(model)[:4]
        assert main(["compile", *files, "--config", "new.cfg", "-o", "config.json"]) == 0
        capsys.readouterr()
        main(["diff", old, "new.cfg", *files, "--format", "json"])
        changes = json.loads(capsys.readouterr().out)["changes"]
        found = {(each["layer"], each["path"][-1]): each["new"] for each in changes if each["layer"]}
        assert found == advice
        assert advice or not arguments


def advised_changes(capsys: Captured, arguments: Sequence[str]) -> dict[tuple[str, str], bool]:
    """Return what the JSON format advises: the new value by layer and key."""
    assert main(["advise", *arguments, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    Draft7Validator(contracts.schema("advice.schema.json")).validate(found)
    changing = [item for item in found["advice"] if item["field"]]
    return {(name, item["field"]): item["value"] for item in changing for name in item["layers"]}


@needs_shared
@pytest.mark.deep
@pytest.mark.parametrize("preprocessing", [(), ("--mean", "127", "--scale", "0.0078125")])
def test_layer_188_of_ultraface_is_first(preprocessing: Sequence[str], capsys: Captured) -> None:
    arguments = of_model("ultraface_slim320/deploy", "--simulate", *preprocessing, "--sort", "share")
    assert main(["advise", *arguments]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[1].split()[0] == "188"
    assert any(line.startswith('simulated: skip "188": ') for line in out)
