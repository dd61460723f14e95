"""A request is read by the given edition or by that of its network."""

from __future__ import annotations

from quantcfg.compile import check_source
from quantcfg.editions import edition_of_model
from quantcfg.editions.caffe import CAFFE
from quantcfg.frozen import replace
from quantcfg.network import MessageType
from quantcfg.source import Source
from tests.networks import conv, net, network

OTHER = replace(
    CAFFE, model=MessageType("caffe", "caffe.BlobShape"), words=replace(CAFFE.words, network="another model")
)
NETWORK = network(net(conv("conv1")))
MODEL = Source("model", "dim: 1\n")


def test_a_model_is_called_what_the_edition_calls_it() -> None:
    (found,) = check_source(MODEL, None, OTHER)
    assert (found.code, found.message) == ("QC212", "this is another model, not a quant.cfg")


def test_the_edition_of_the_network_counts() -> None:
    (found,) = check_source(MODEL, replace(NETWORK, edition=OTHER), CAFFE)
    assert found.code == "QC212"
    assert "QC212" not in [each.code for each in check_source(MODEL, NETWORK, OTHER)]


def test_an_edition_without_corresponding_types_has_no_foreign_types() -> None:
    added = replace(CAFFE, name="added")
    assert not any(added.foreign_types.values())
    assert set(added.foreign_types) == {"caffe", "onnx", "pytorch", "tensorflow"}
    found = check_source(Source("quant.cfg", 'skip_layer_types: "Conv"\n'), None, added)
    assert [each.code for each in found] == ["QC403"]


def test_the_suffix_of_a_model_selects_its_edition() -> None:
    assert edition_of_model("net.prototxt") is CAFFE
    assert edition_of_model("net") is CAFFE
