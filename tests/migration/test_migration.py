"""Migration of the deprecated fields keeps the compiled result, the comments and everything else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import text_format
from hypothesis import strategies as st

from quantcfg import Compilation, check_text, compile_config, format_text, migrate_text
from quantcfg.network import Network
from tests.editions import CAFFE
from tests.laws import law
from tests.marks import places, unmarked
from tests.networks import conv, inner_product, net, network, pool
from tests.plan.generated import Case, cases
from tests.textproto.reading import comments_of, parsed
from tests.textproto.strategies import noisy_text

if TYPE_CHECKING:
    from random import Random

DEPRECATED = {"QC425", "QC426"}
NETWORK = network(
    net(
        conv("conv1"),
        conv("conv2", "conv1"),
        pool("pool5", "conv2"),
        inner_product("fc8", "pool5"),
    )
)
FOLDERS = sorted(path for path in Path(__file__).parent.iterdir() if (path / "input.cfg").exists())


def migrated(text: str) -> str:
    migration = migrate_text(text)
    assert migration.text is not None, migration.diagnostics
    return migration.text


def compiled(text: str, against: Network = NETWORK) -> Compilation:
    return compile_config(against, config_text=text)


def codes(compilation: Compilation) -> list[str]:
    return sorted({each.code for each in compilation.diagnostics if each.severity == "error"})


# --- what is written


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_file_is_migrated_as_expected(folder: Path, request: pytest.FixtureRequest) -> None:
    before = (folder / "input.cfg").read_bytes().decode()
    after = migrated(before)
    if request.config.getoption("update_golden"):
        (folder / "expected.cfg").write_bytes(after.encode())
    assert after == (folder / "expected.cfg").read_bytes().decode()
    assert compiled(after).text == compiled(before).text is not None
    assert_is_migrated(before, after)


def assert_is_migrated(before: str, after: str) -> None:
    assert migrated(after) == after
    # The overrides may be in another place than the fields that they replace.
    assert sorted(comments_of(after)) == sorted(comments_of(before))
    assert not DEPRECATED & {each.code for each in check_text(after)}


def test_the_shown_text_becomes_what_is_shown() -> None:
    page = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text(encoding="utf-8")
    before, after = re.findall(r"^```textproto\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert migrated(before) == after


def test_there_are_folders() -> None:
    assert len(FOLDERS) > 5


@pytest.mark.parametrize("text", ["", "# none", "common_config :< >\r\n", 'skip_layers:["conv1"]'])
def test_a_file_without_deprecated_fields_is_not_changed(text: str) -> None:
    assert migrated(text) == text


# --- nothing else changes


@st.composite
def deprecated_cases(draw: st.DrawFn) -> tuple[Case, str]:
    """A network, and a request for it that has the deprecated pair more often than not, and many comments."""
    case = draw(cases(CAFFE))
    random: Random = draw(st.randoms(use_true_random=False))
    texts = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        message = text_format.Merge(case.request.config_text or "", CAFFE.config())
        make_older(draw, message)
        texts.append(noisy_text(parsed(text_format.MessageToString(message)), random) + "\n")
    return case, "".join(texts)


def make_older(draw: st.DrawFn, message: Any) -> None:
    """Move calibrations of a request to the deprecated fields."""
    calibrations = [
        *([message.common_config] if message.HasField("common_config") else []),
        *(override.calibration_config for override in message.override_layer_types),
        *(override.calibration_config for override in message.override_layer_configs),
        message.common_config,
    ]
    for name in draw(st.sets(st.sampled_from(["conv_calibration_config", "fc_calibration_config"]))):
        getattr(message, name).CopyFrom(draw(st.sampled_from(calibrations)))
    for name, often in (("common_config", 8), ("override_layer_types", 8), ("nuq_config", 6)):
        if draw(st.integers(0, 9)) < often:
            message.ClearField(name)


@law(deprecated_cases())
def test_a_migrated_request_compiles_to_the_same(case_and_text: tuple[Case, str]) -> None:
    case, before = case_and_text
    migration = migrate_text(before)
    if migration.text is None:
        assert migration.diagnostics
        return
    against = case.network.read()
    assert compiled(migration.text, against).text == compiled(before, against).text
    assert codes(compiled(migration.text, against)) == codes(compiled(before, against))
    assert_is_migrated(before, migration.text)


@law(deprecated_cases())
def test_a_formatted_request_is_migrated_to_the_same(case_and_text: tuple[Case, str]) -> None:
    _, text = case_and_text
    migration, formatting = migrate_text(text), format_text(text)
    assert formatting.text is not None
    again = migrate_text(formatting.text)
    assert again.ok == migration.ok
    if migration.text is not None and again.text is not None:
        assert parsed(again.text) == parsed(migration.text)


def test_a_field_at_the_end_of_a_line_is_removed_without_the_line_end() -> None:
    text = "common_config {}\r\nbatch_num: 2 conv_calibration_config\r\n{ }\r\nactivation_offset: true\r\n"
    assert migrated(text) == "common_config {}\r\nbatch_num: 2 \r\nactivation_offset: true\r\n"


@law(deprecated_cases())
def test_line_ends_stay_as_they_are(case_and_text: tuple[Case, str]) -> None:
    _, text = case_and_text
    migration = migrate_text(text.replace("\r", "").replace("\n", "\r\n"))
    if migration.text is not None:
        assert "\n" not in migration.text.replace("\r\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["", "asymmetric: false", "asymmetric: true"])
@pytest.mark.parametrize("fc", [None, "", "ifmr_quantize { }", "hfmg_quantize { }"])
@pytest.mark.parametrize("own", [None, "", "ifmr_quantize { asymmetric: true }", "hfmg_quantize { }"])
@pytest.mark.parametrize("offset", ["true", "false"])
def test_the_flag_that_a_layer_gets_stays(flag: str, fc: str | None, own: str | None, offset: str) -> None:
    text = f"activation_offset: {offset} conv_calibration_config {{ ifmr_quantize {{ {flag} }} }}\n"
    text += "" if fc is None else f"fc_calibration_config {{ {fc} }}\n"
    if own is not None:
        text += f'override_layer_configs {{ layer_name: "fc8" calibration_config {{ {own} }} }}\n'
    assert compiled(migrated(text)).text == compiled(text).text is not None


# --- what is refused

NON_UNIFORM = 'nuq_config { mapping_file: "m.json" }\n'
REFUSED = {
    "a syntax error": "fc_calibration_config { «QC105»= }",
    "an unknown name": "«QC201»conv_calibration_confg { }",
    "an invalid value": "fc_calibration_config { arq_quantize { channel_wise: «QC409»true } }",
    "an error elsewhere": "batch_num: «QC501»0 conv_calibration_config { }",
    "a value that no Pooling layer can have": "fc_calibration_config { «QC410»nuq_quantize { } }",
    "a value out of range": "fc_calibration_config { hfmg_quantize { num_of_bins: «QC501»1000 } }",
    "a list": "conv_calibration_config: «QC202»[{ }]",
    "a list of none": "fc_calibration_config: «QC202»[ ]",
    "a missing field": "«QC206»nuq_config { } fc_calibration_config { }",
    "a configuration": '«QC212»{"conv1": {}}',
    "a network": "«QC212»layer { name: 'a' type: 'Convolution' }",
    "a byte order mark": "«QC103»\ufeffconv_calibration_config { }",
    "non-uniform quantization": f"{NON_UNIFORM}«QC431»conv_calibration_config {{ }}",
    "non-uniform quantization and the second": f"«QC431»fc_calibration_config {{ }}\n{NON_UNIFORM}",
    "non-uniform quantization and both": f"fc_calibration_config {{ }} {NON_UNIFORM}"
    "«QC431»conv_calibration_config { }",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_migrated_is_rejected_with_the_reason(name: str) -> None:
    text, expected = unmarked(REFUSED[name])
    migration = migrate_text(text)
    assert not migration.ok
    assert places(migration.diagnostics) == expected


def test_beside_non_uniform_quantization_an_override_would_change_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes = [
        {"key": "_fe_weight_compress", "value": {"b": True}},
        {"key": "_datadump_original_op_names", "value": {"list": {"s": ["fc8"]}}},
    ]
    (tmp_path / "m.json").write_text(json.dumps({"graph": [{"op": [{"attr": attributes}]}]}))
    monkeypatch.chdir(tmp_path)
    old = compiled(f"{NON_UNIFORM}conv_calibration_config {{ }}")
    new = compiled(NON_UNIFORM + migrated("conv_calibration_config { }"))
    assert (old.ok, new.ok) == (True, True)
    assert old.text != new.text


@pytest.mark.parametrize("rest", ["common_config { }", "batch_num: 2"])
def test_beside_non_uniform_quantization_only_a_pair_that_counts_is_refused(rest: str) -> None:
    text = f"{NON_UNIFORM}{rest}\n"
    assert migrated(text) == text
    if "common" in rest:
        assert migrated(f"{text}conv_calibration_config {{ }}\n") == text


def test_a_file_with_a_warning_is_migrated_and_the_warning_is_reported_once() -> None:
    text = "batch_num: 2 batch_num: 3\nfc_calibration_config { }\n"
    assert migrate_text(text).diagnostics == ()
    assert migrated(text).startswith("batch_num: 2 batch_num: 3\noverride_layer_types {\n")


@pytest.mark.parametrize("arguments", [(1,), ("batch_num: 2", None)])
def test_a_file_that_is_not_text_is_an_error(arguments: tuple[str]) -> None:
    assert [each.code for each in migrate_text(*arguments).diagnostics] == ["QC415"]
