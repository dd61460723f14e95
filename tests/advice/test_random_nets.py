"""Advice on small random networks of all types, with odd parameters and weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import strategies as st

from quantcfg import QuantConfigError, Simulation, advise, contracts, read_model
from quantcfg.advice import Advice, json_format, text_format
from quantcfg.contracts.descriptors import Descriptor, FieldDescriptor
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.execution import _RULES
from quantcfg.network.network import Shape
from quantcfg.weights.arrays import Array
from tests.advice.nets import caffemodel
from tests.laws import law

TYPES = sorted({*caffe_types.known_types(2), *caffe_types.fork_types(), "Wonder"})
COMMON = (
    *("Convolution", "InnerProduct", "Convolution", "Deconvolution", "BatchNorm", "Scale", "ReLU", "Pooling"),
    *("Eltwise", "Concat", "Reshape", "Parameter", "DummyData", "Flatten"),
)
NEEDED = ("num_output", "kernel_size", "dim", "shape")
SHAPES: tuple[Shape, ...] = (
    (1, 4, 6, 7),
    (2, 4, 6, 7),
    (3, 4, 1, 1),
    (2, 4, 5),
    (1, 4),
    (2,),
    (1, 2, 3, 4, 2),
)
NUMBERS = (0, 1, 1, 1, 2, 2, 3, 4, 5, 8)
FLOATS = (0, 0, 1, 1, 2, 0.5, -1, -1.5, 1e30, 1e-40)
REQUESTS = (
    "",
    "common_config { ifmr_quantize { search_step: 0.2 } arq_quantize { channel_wise: false } }",
    "common_config { hfmg_quantize { num_of_bins: 1024 } }",
    "activation_offset: false do_fusion: false",
)
_DEPTH = 2
"""How deep messages are nested in the parameters."""


def written(descriptor: Descriptor, random: Random, share: float, depth: int = 0) -> Iterator[str]:
    """Yield a share of the fields of a message with values, and those that are needed."""
    for field in descriptor.fields.values():
        if field.name in NEEDED[:2] and random.random() > share / 5:
            yield f"{field.name}: {random.choice((1, 2, 4) if field.name == 'num_output' else (1, 2, 3))}"
        elif field.name in NEEDED or random.random() < share:
            for _ in range(random.choice((1, 1, 2, 4)) if field.is_repeated else 1):
                yield from written_field(field, random, share, depth)


def written_field(field: FieldDescriptor, random: Random, share: float, depth: int) -> Iterator[str]:
    if field.message and depth < _DEPTH:
        yield f"{field.name} {{ {' '.join(written(field.message, random, share, depth + 1))} }}"
    elif field.enum:
        yield f"{field.name}: {random.choice(sorted(field.enum.numbers))}"
    elif field.kind == "bool":
        yield f"{field.name}: {random.choice(('true', 'false'))}"
    elif field.kind in ("float", "double"):
        yield f"{field.name}: {random.choice(FLOATS)}"
    elif field.kind == "string":
        yield f'{field.name}: "{random.choice(("constant", "constant", "gaussian"))}"'
    elif field.kind in ("int32", "int64") and random.random() < 0.3:
        yield f"{field.name}: {random.choice((-1, -2))}"
    elif not field.message:
        yield f"{field.name}: {random.choice(NUMBERS)}"


def network(random: Random, count: int) -> str:
    """Return the prototxt of a network whose layers mostly read what earlier ones write."""
    shape, share = random.choice((*SHAPES[:2] * 3, *SHAPES)), random.choice((0.02, 0.1, 0.3))
    sizes = f"input_shape {{ dim: {list(shape)} }}" if random.random() < 0.9 else ""
    lines, blobs = [f'input: "data" {sizes}'], ["data"]
    for index in range(count):
        # The first layer can be quantized.
        layer_type = random.choice(random.choice((COMMON, COMMON, [*_RULES], TYPES)) if index else COMMON[:2])
        bounds, tops, _ = caffe_types.blob_counts(layer_type)
        least, most = (*bounds, 1, 3)[:2] if layer_type in caffe_types.known_types(2) else (1, 2)
        readable = blobs[-2:] + ["zzz"] * (random.random() < 0.02)
        most = most or 3 if random.random() < 0.2 or least == 0 else least
        bottoms = random.choices(readable, k=random.randint(least, max(least, most)))
        in_place = bool(bottoms) and random.random() < 0.1
        several = layer_type in ("Slice", "Split", "DummyData", "MemoryData", "ImageData")
        made = [bottoms[0]] if in_place else [f"b{index}_{each}" for each in range(2 if several else 1)]
        made = made[: tops[1] if tops[1] is not None else None]
        blobs += made
        field = caffe_types.parameter_field(layer_type)
        named = "".join(f' bottom: "{each}"' for each in bottoms) + "".join(
            f' top: "{each}"' for each in made
        )
        values = " ".join(each for message in messages_of(field) for each in written(message, random, share))
        messages = f" {field} {{ {values} }}" if values else ""
        lines.append(f'layer {{ name: "l{index}" type: "{layer_type}"{named}{messages} }}')
    return "\n".join(lines)


def messages_of(field: str | None) -> list[Descriptor]:
    """Return the messages of a field, in the part that is always read and in the additional one."""
    layers = (("caffe", "caffe.LayerParameter"), ("caffe_operations", "caffe_operations.Layer"))
    found = [contracts.descriptors(edition)[name].fields.get(field or "") for edition, name in layers]
    return [each.message for each in found if each and each.message]


def stored(random: Random, shapes: Sequence[Shape]) -> list[Array]:
    """Return blobs that mostly have these shapes and values of a usual size."""
    values = np.random.default_rng(random.getrandbits(32))
    arrays = [np.abs(values.normal(0, 1, tuple(map(abs, shape))).astype(np.float32)) for shape in shapes]
    for array in arrays:
        if random.random() < 0.05:
            array.flat[0] = random.choice((np.nan, np.inf, 1e38, 0))
        if random.random() < 0.1:
            array *= np.float32(random.choice((0, 1e-7, 1e15, -1)))
    if random.random() < 0.05:
        arrays = arrays[:-1]
    if arrays and random.random() < 0.05:
        arrays[0] = values.normal(0, 1, random.choice(SHAPES)).astype(np.float32)
    return arrays


def advice(seed: int, count: int) -> Advice | None:
    """Return the advice on a random network, None if the network has errors."""
    random = Random(seed)
    text = network(random, count)
    with TemporaryDirectory() as folder:
        model, weights = Path(folder, "net.prototxt"), Path(folder, "net.caffemodel")
        model.write_text(text)
        try:
            read = read_model(model)
            operations = read.edition.read_operations(read, {})
            blobs = {
                each.layer.name: stored(
                    random, each.blobs if each.blobs is not None else [(4, 4, 3, 3), (4,)]
                )
                for each in operations.all
            }
            blobs = {name: arrays for name, arrays in blobs.items() if arrays}
            weights.write_bytes(caffemodel(blobs, dict.fromkeys(blobs, "")))
            inputs = {"data": (1, 4, 6, 7)} if None in operations.inputs.values() else {}
            return advise(
                read_model(model, weights),
                weights,
                config_text=random.choice(REQUESTS),
                inputs=inputs if random.random() < 0.5 else {},
                simulation=Simulation(),
            )
        except QuantConfigError:
            return None


@law(st.integers(0, 2**32 - 1), st.integers(1, 6), examples=25)
def test_advice_on_any_network_is_given_or_refused_with_a_reason(seed: int, count: int) -> None:
    found = advice(seed, count)
    if found is None:
        return
    assert json_format.render(found)
    assert " -0.0" not in text_format.render(found)
    simulated = [each for each in found.layers if each.simulated]
    quantized = [each for each in found.layers if each.settings]
    assert len(simulated) == len(quantized) or any("simulat" in note for note in found.notes)
    if simulated:
        assert any(note.startswith("simulated with ") for note in found.notes)


@pytest.mark.slow
def test_many_of_the_networks_are_simulated() -> None:
    """Otherwise the law says little."""
    found = [advice(seed, 1 + seed % 4) for seed in range(40)]
    assert sum(any(layer.simulated for layer in each.layers) for each in found if each) > 8
