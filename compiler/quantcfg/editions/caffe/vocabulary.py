"""Layer types and pooling methods that BVLC Caffe does not have: slips, and words of forks.

BVLC stops at all of them. Real files are full of forks' words, so only what
looks like a slip of a word of BVLC's is an error, or a warning where the type is
a string. The known words of forks are in schemas/caffe_layers.json.

Also where a prototxt has misspelt fields: what is missing there is not reported
again; and what to say of values that belong to another version of the format.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from quantcfg import contracts
from quantcfg.diagnostics import Diagnostic, Edit, Report, catalogue
from quantcfg.diagnostics.suggestions import near
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.definitions import PADDING, Definition
from quantcfg.frozen import frozen_value
from quantcfg.source import Span
from quantcfg.textproto import Binding, tree
from quantcfg.textproto.binder import Hint

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor


@frozen_value
class _Vocabulary:
    """The words of BVLC for a kind of thing, in order, and those with the words of forks.

    is_closed tells that Caffe cannot read another word; a type of today is a string.
    """

    kind: str
    words: tuple[str, ...]
    accepted: frozenset[str]
    is_closed: bool = True


def check_vocabulary(
    layers: Iterable[Definition], is_present: Callable[[Definition], bool], report: Report
) -> None:
    """Report the unknown pooling methods and types of layers.

    Caffe reads and upgrades all layers of a file, but makes only those that are
    present in phase TEST: only their types of today count.
    """
    # The same few words occur again and again.
    meant = cache(_meant)
    for layer in layers:
        for vocabulary, word, span in _unknown_words(layer):
            if vocabulary.is_closed or is_present(layer):
                _report(vocabulary, word, span, meant(vocabulary, word), report)


def _unknown_words(layer: Definition) -> Iterator[tuple[_Vocabulary, str, Span]]:
    """Yield the words of a layer that neither BVLC nor a known fork has, and where they are."""
    if "pool" in layer.unknown_enums:
        span = layer.unknown_word("pool").span
        if span.text not in _pooling_methods().accepted:
            yield _pooling_methods(), span.text, span
    types = _layer_types(layer.version)
    if not layer.has_known_type and layer.word not in types.accepted:
        yield types, layer.word, layer.word_span


@cache
def _pooling_methods() -> _Vocabulary:
    parameter: Any = contracts.message_class("caffe", "caffe.PoolingParameter")
    words, forks = tuple(parameter.PoolMethod.keys()), caffe_types.fork_words("fork_pool_methods")
    return _Vocabulary("pooling method", words, frozenset((*words, *forks)))


@cache
def _layer_types(version: int) -> _Vocabulary:
    # In a V0 net padding is a layer, which the upgrade takes out.
    words = (*caffe_types.known_words(version), *([PADDING] if version == 0 else ()))
    forks = caffe_types.fork_words(("fork_v0_types", "fork_v1_types", "fork_types")[version])
    accepted = frozenset((*words, *forks))
    return _Vocabulary("layer type", words, accepted, is_closed=version < _TODAY)


_TODAY = 2
"""The version of the format whose types are strings."""


def _meant(vocabulary: _Vocabulary, word: str) -> Sequence[str]:
    """Return the words of BVLC that a word is near to."""
    today = None if vocabulary.is_closed else caffe_types.v1_types().get(word)
    return [today] if today else near(word, vocabulary.words)


def _report(vocabulary: _Vocabulary, word: str, span: Span, meant: Sequence[str], report: Report) -> None:
    if not meant and not vocabulary.is_closed:
        return
    rule = catalogue.UNKNOWN_WORD if meant and vocabulary.is_closed else catalogue.FORK_WORD
    # A string keeps its quotes.
    quote = span.text[0] if span.text[:1] in ("'", '"') else ""
    fix = [Edit(span, f"{quote}{meant[0]}{quote}")] if len(meant) == 1 else []
    help = f"use {' or '.join(meant)}" if meant else "ignore this warning if your fork of Caffe has it"
    report(rule.at(span, kind=vocabulary.kind, word=word, help=help, fix=fix))


# --- misspelt fields


@frozen_value
class Slips:
    """The offsets of misspelt fields, in order; one between the layers may be a layer itself."""

    offsets: Sequence[int]
    are_between_layers: bool

    def are_in(self, layer: Definition) -> bool:
        """Return whether a field of a layer, or of a message in it, is misspelt."""
        if not self.offsets:
            return False
        whole = layer.whole
        return bisect_left(self.offsets, whole.start) < bisect_left(self.offsets, whole.end)


def slips(found: Iterable[Diagnostic], binding: Binding) -> Slips:
    """Return the misspelt fields among what was found in a prototxt."""
    code = catalogue.NEARLY_A_FIELD.code
    offsets = sorted(each.span.start for each in found if each.code == code and each.span)
    between = {field.start for field in binding.document.fields} if offsets else set()
    return Slips(offsets, not between.isdisjoint(offsets))


# --- values of another version


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
