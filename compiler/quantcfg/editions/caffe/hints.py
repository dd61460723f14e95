"""What to say of values that belong to another version of the prototxt format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantcfg.editions.caffe import caffe_types
from quantcfg.textproto import tree
from quantcfg.textproto.binder import Hint

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor

_TYPE, _PARAM = "caffe.LayerParameter.type", "caffe.LayerParameter.param"
_V1_TYPE, _V1_PARAM = "caffe.V1LayerParameter.type", "caffe.V1LayerParameter.param"
_TO_LAYER = 'change every "layers" to "layer"'


def hint(field: FieldDescriptor, value: tree.Value) -> Hint | None:
    """Return what to do about a value of the wrong kind, None if nothing is known of it."""
    if field.full_name == _TYPE and isinstance(value, tree.Identifier):
        return _todays_type(value.text)
    if field.full_name == _V1_TYPE and isinstance(value, tree.String):
        return _old_type("".join(part.text[1:-1] for part in value.parts))
    if field.full_name == _V1_PARAM and isinstance(value, tree.Message):
        return Hint(f'"layers" have blobs_lr and weight_decay instead of param: {_TO_LAYER}')
    if field.full_name == _PARAM and isinstance(value, tree.String):
        return Hint('write param { name: "..." }')
    return None


def _todays_type(word: str) -> Hint | None:
    name = caffe_types.v1_types().get(word)
    return Hint(f'in "layer" the type is a string: write "{name}"', f'"{name}"') if name else None


def _old_type(name: str) -> Hint | None:
    words = caffe_types.v1_types()
    if name in words:
        return None
    word = next((word for word, today in words.items() if today == name), None)
    if word:
        return Hint(f'in "layers" the type is a word: write {word}', word)
    instead = "use input: and input_dim:, or " if name == "Input" else ""
    return Hint(f'"layers" have no type {name}: {instead}{_TO_LAYER}')
