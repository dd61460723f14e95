"""From a configuration back to a quant.cfg: it has the same meaning, and few settings."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf import text_format

from quantcfg import Decompilation, Network, compile_config, decompile, read_model
from quantcfg.compile import compile_source
from quantcfg.source import Source
from tests.decompiler.tuned import DEFAULTS, NETWORK, Tuned, tuned_configs
from tests.laws import law_of_editions
from tests.marks import places, unmarked
from tests.networks import conv, inner_product, net, network, pool
from tests.plan.generated import Case, cases
from tests.shared import MODELS, needs_shared

S5_NETWORK = network(net(conv("conv1"), pool("pool5", "conv1"), inner_product("fc", "pool5")))
S5 = """
batch_num: 2
activation_offset: true
skip_layers: "conv1"
common_config { ifmr_quantize { search_step: 0.02 asymmetric: false } }
override_layer_types { layer_type: "InnerProduct" calibration_config { hfmg_quantize { num_of_bins: 2048 } } }
"""

# --- laws

ACCEPTED = {"QC445", "QC450"}
"""Warnings about configurations that AMCT accepts: both inputs of a node, and more than 8 bits."""


@law_of_editions(cases, examples=60)
def test_what_is_compiled_is_decompiled_to_what_compiles_to_it_and_has_no_more_settings(case: Case) -> None:
    model = case.network.read()
    text = case.request.config_text
    compilation = compile_config(model, config_text=text, **(case.request.arguments or {}))
    if compilation.config is None or compilation.config["batch_num"] >= 2**32:
        return
    decompilation = decompile(compilation.text or "", model)
    assert {each.code for each in decompilation.diagnostics} <= ACCEPTED
    assert compile_config(model, config_text=decompilation.text).text == compilation.text
    message = read(text or "", model)
    # What only the deprecated pair and a mapping file can say shortly, takes more without them.
    shortcuts = {"nuq_config", "conv_calibration_config", "fc_calibration_config"}
    if shortcuts.isdisjoint(field.name for field, _ in message.ListFields()):
        assert decompilation.settings <= settings_in(message) + plain_settings(case.request.arguments or {})


def plain_settings(arguments: Mapping[str, Any]) -> int:
    return sum(len(value) if isinstance(value, list) else 1 for value in arguments.values())


@law_of_editions(tuned_configs, examples=60)
def test_what_is_tuned_by_hand_is_decompiled_to_what_compiles_to_the_same(tuned: Tuned) -> None:
    model = tuned.network
    decompilation = decompile(tuned.config, model)
    assert {each.code for each in decompilation.diagnostics} <= {"QC517", "QC522"} | ACCEPTED
    assert decompilation.text is not None
    assert decompilation.settings == settings_in(read(decompilation.text, model))
    compiled = compile_config(model, config_text=decompilation.text).config
    assert compiled is not None
    source = Source("config.json", json.dumps(tuned.config))
    whole = compile_source(source, model, model.edition).configuration.config
    assert {key: compiled[key] for key in whole} == whole
    assert not any(compiled[key]["quant_enable"] for key in compiled.keys() - whole.keys())


@law_of_editions(tuned_configs, examples=50)
def test_what_is_decompiled_cannot_be_shortened_by_a_single_override(tuned: Tuned) -> None:
    """Check that without any one of its settings, a quant.cfg compiles to something else."""
    model = tuned.network
    text = decompile(tuned.config, model).text or ""
    wanted = compile_config(model, config_text=text).config
    message = read(text, model)
    for name in ("override_layer_types", "override_layer_configs", "skip_layers", "skip_layer_types"):
        for index in range(len(getattr(message, name))):
            shorter = copy.deepcopy(message)
            del getattr(shorter, name)[index]
            assert compile_config(model, config_text=text_format.MessageToString(shorter)).config != wanted


def read(text: str, model: Network = NETWORK) -> Any:
    return text_format.Merge(text, model.edition.request.new())


def settings_in(message: Any) -> int:
    """Count what is set in a message: each scalar, each item of a list, each message with nothing in it."""
    count = 0
    for field, value in message.ListFields():
        items = value if field.is_repeated else (value,)
        count += sum(settings_in(item) or 1 if field.message_type else 1 for item in items)
    return count


# --- the shortest


def test_what_is_all_default_needs_no_text() -> None:
    assert decompiled(DEFAULTS) == ""


def test_the_sample_of_the_reference_is_decompiled_to_its_own_settings() -> None:
    config = compile_config(S5_NETWORK, config_text=S5).config
    assert config
    decompilation = decompile(config, S5_NETWORK)
    assert decompilation.settings == settings_in(read(S5)) - 1
    assert (
        decompilation.text
        == """\
batch_num: 2
skip_layers: "conv1"

common_config {
  ifmr_quantize {
    search_step: 0.02
    asymmetric: false
  }
}

override_layer_configs {
  layer_name: "fc"
  calibration_config {
    hfmg_quantize {
      num_of_bins: 2048
    }
  }
}
"""
    )


def test_layers_that_were_tuned_by_hand_are_layer_overrides() -> None:
    config = copy.deepcopy(DEFAULTS)
    config["conv1"]["activation_quant_params"]["search_step"] = 0.02
    config["conv2"]["weight_quant_params"]["channel_wise"] = False
    config["größe"]["activation_quant_params"]["asymmetric"] = False
    assert (
        decompiled(config)
        == """\
override_layer_configs {
  layer_name: "conv1"
  calibration_config {
    ifmr_quantize {
      search_step: 0.02
    }
  }
}
override_layer_configs {
  layer_name: "conv2"
  calibration_config {
    arq_quantize {
      channel_wise: false
    }
  }
}
override_layer_configs {
  layer_name: "größe"
  calibration_config {
    ifmr_quantize {
      asymmetric: false
    }
  }
}
"""
    )


def test_a_type_with_exceptions_says_so() -> None:
    config = copy.deepcopy(DEFAULTS)
    for name in ("conv1", "conv2", "conv3"):
        config[name]["activation_quant_params"]["search_range"] = [0.7, 1.5]
    assert (
        decompiled(config)
        == """\
# applies to 3 of 4 Convolution layers; the others have their own overrides
override_layer_types {
  layer_type: "Convolution"
  calibration_config {
    ifmr_quantize {
      search_range_end: 1.5
    }
  }
}

override_layer_configs {
  layer_name: "conv4"
  calibration_config {}
}
"""
    )


def test_a_flag_that_many_layers_share_is_inherited() -> None:
    """The flag of common_config reaches layers with overrides of their own (reference 4.4)."""
    config = copy.deepcopy(DEFAULTS)
    for index, layer in enumerate(NETWORK.quantizable):
        params = config[layer.name]["activation_quant_params"]
        params |= {"asymmetric": False, "search_step": round(0.01 + index / 1000, 3)}
    decompilation = decompile(config, NETWORK)
    message = read(decompilation.text or "")
    assert message.common_config.ifmr_quantize.asymmetric is False
    assert len(message.override_layer_configs) == len(NETWORK.quantizable) - 1
    assert all(
        not each.calibration_config.ifmr_quantize.HasField("asymmetric")
        for each in message.override_layer_configs
    )


SKIPPED = {
    ("conv1",): 'skip_layers: "conv1"\n',
    ("up1",): 'skip_layers: "up1"\n',
    ("pool2", "pool1"): 'skip_layer_types: "Pooling"\n',
    ("fc1", "größe", "conv3"): 'skip_layers: "conv3"\nskip_layer_types: "InnerProduct"\n',
}


@pytest.mark.parametrize("names", SKIPPED)
@pytest.mark.parametrize("is_listed", [True, False])
def test_what_is_not_quantized_is_skipped(names: tuple[str, ...], is_listed: bool) -> None:
    config = copy.deepcopy(DEFAULTS)
    for name in names:
        config[name]["quant_enable"] = False
        if not is_listed:
            del config[name]
    assert decompiled(config) == SKIPPED[names]


@pytest.mark.parametrize("barred", [1, 3])
@pytest.mark.parametrize("wanted", [1, 2, 9])
def test_a_layer_that_is_left_out_gets_nothing_that_it_cannot_have(wanted: int, barred: int) -> None:
    grouped = "num_output: 8 kernel_size: 3 group: 2"
    model = network(
        net(
            *(conv(f"a{index}") for index in range(wanted)),
            *(conv(f"b{index}", parameters=grouped) for index in range(barred)),
            *(pool(f"p{index}") for index in range(barred)),
        )
    )
    body = {"weight_quant_params": {"wts_algo": "nuq_quantize"}}
    decompilation = decompile({f"a{index}": body for index in range(wanted)}, model)
    assert compile_config(model, config_text=decompilation.text).ok
    message = read(decompilation.text or "")
    assert decompilation.settings == settings_in(message)
    skips = len(message.skip_layers) + len(message.skip_layer_types)
    # An override for each layer, or one for the type and what keeps the others out of it.
    assert decompilation.settings - skips == min(2 * wanted, 2 + 2 * barred)


# --- what cannot be said

CANNOT = {
    "more digits than a float has": (
        '{"conv1": {"activation_quant_params": {"search_step": «QC521»0.012345678901}}}'
    ),
    "one end of a range": (
        '{"conv1": {"activation_quant_params": {"search_range": «QC521»[0.7, 1.2999999999]}}}'
    ),
    "less than the least float": '{"conv1": {"activation_quant_params": {"search_step": «QC521»1e-60}}}',
    "batches without end": '{"batch_num": «QC521»4294967296, "conv1": {}}',
    "two of them": (
        '{"batch_num": «QC521»4294967296, '
        '"conv1": {"activation_quant_params": {"max_percentile": «QC521»0.99999900001}}}'
    ),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_no_request_can_say_is_reported_at_its_place(name: str) -> None:
    text, expected = unmarked(CANNOT[name])
    decompilation = decompile(text, NETWORK)
    assert not decompilation.ok
    assert [each for each in places(decompilation.diagnostics) if each.startswith("QC521")] == expected


def test_the_nearest_value_is_named() -> None:
    text = unmarked(CANNOT["more digits than a float has"])[0]
    (error,) = (each for each in decompile(text, NETWORK).diagnostics if each.code == "QC521")
    assert error.message == 'a quant.cfg cannot set "search_step" of layer "conv1" to 0.012345678901'
    assert error.help == "use 0.012345679: numbers in a quant.cfg have 32 bits"


def test_keys_that_are_left_out_are_named() -> None:
    config = {key: value for key, value in DEFAULTS.items() if key != "do_fusion"}
    decompilation = decompile(config, NETWORK)
    assert (decompilation.text, places(decompilation.diagnostics)) == ("", ["QC522 1:1"])
    assert decompilation.diagnostics[0].message == (
        'the configuration omits "do_fusion"; compiling writes the defaults'
    )


def test_keys_that_layers_leave_out_are_named_with_the_layers() -> None:
    config = copy.deepcopy(DEFAULTS)
    for name in ("conv1", "conv3"):
        del config[name]["activation_quant_params"]["search_step"]
    del config["fc1"]["quant_enable"]
    first, second = decompile(json.dumps(config, indent=1), NETWORK).diagnostics
    assert first.message.startswith('the configuration omits "search_step" of "conv1" and "conv3";')
    assert first.span
    assert first.span.text == '"conv1"'
    assert second.message.startswith('the configuration omits "quant_enable" of "fc1";')


@pytest.mark.parametrize("bins", [1024, 2048, 8192])
def test_bins_without_an_algorithm_are_hfmg(bins: int) -> None:
    config = copy.deepcopy(DEFAULTS)
    config["fc1"]["activation_quant_params"] = {"num_of_bins": bins, "asymmetric": True}
    decompilation = decompile(config, NETWORK)
    assert [each.code for each in decompilation.diagnostics] == ["QC522"]
    compiled = compile_config(NETWORK, config_text=decompilation.text).config
    assert compiled
    assert compiled["fc1"]["activation_quant_params"] == {
        "act_algo": "hfmg",
        "num_of_bins": bins,
        "asymmetric": True,
    }


def test_a_quant_cfg_is_not_decompiled() -> None:
    assert places(decompile("# two\nbatch_num: 2", NETWORK, "quant.cfg").diagnostics) == ["QC212 1:1"]


BAD = {
    "": ["QC121 1:1"],
    "{": ["QC121 1:2"],
    "[]": ["QC121 1:1"],
    '{"conv1": {}, "nowhere": {}}': ["QC514 1:15"],
    '{"conv1": {"quant_enable": false}}': ["QC516 1:1"],
    '{"conv1": {}, "batch_num": 2.0}': ["QC501 1:28"],
    '{"conv1": {"activation_quant_params": {"num_of_bins": 2048.0}}}': ["QC501 1:55"],
}


@pytest.mark.parametrize("text", BAD)
def test_a_configuration_with_errors_is_not_decompiled(text: str) -> None:
    decompilation = decompile(text, NETWORK)
    assert (decompilation.text, decompilation.ok) == (None, False)
    assert [place for place in places(decompilation.diagnostics) if "QC517" not in place] == BAD[text]


@pytest.mark.parametrize("value", [None, 3, {"a": object()}, {"conv1": b""}])
def test_a_file_that_is_not_a_configuration_is_an_error(value: Any) -> None:
    assert [each.code for each in decompile(value, NETWORK).diagnostics] == ["QC415"]


# --- real models


@needs_shared
def test_the_default_of_a_real_model_needs_no_text() -> None:
    model, config = real("")
    assert decompile(config, model) == Decompilation("", (), 0)


@needs_shared
def test_three_tuned_layers_of_a_real_model_are_three_overrides() -> None:
    model, text = real("")
    config = json.loads(text)
    for name, step in (("conv1", 0.02), ("res2a_branch1", 0.03), ("fc1000", 0.04)):
        config[name]["activation_quant_params"]["search_step"] = step
    message = read(decompile(config, model).text or "")
    names = [override.layer_name for override in message.override_layer_configs]
    assert (names, settings_in(message)) == (["conv1", "res2a_branch1", "fc1000"], 6)


def real(text: str) -> tuple[Network, str]:
    model = read_model(MODELS / "resnet50" / "deploy.prototxt")
    return model, compile_config(model, config_text=text).text or ""


def decompiled(config: dict[str, Any]) -> str | None:
    return decompile(config, NETWORK).text
