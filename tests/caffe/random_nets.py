"""Small random Caffe networks of all types, with odd parameters."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from quantcfg import contracts
from quantcfg.contracts.descriptors import Descriptor, FieldDescriptor
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.execution import _RULES
from quantcfg.network.network import Shape

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
        bounds, tops, _ = caffe_types.bottoms_and_tops(layer_type)
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
