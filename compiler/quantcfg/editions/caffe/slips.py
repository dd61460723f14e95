"""Where a prototxt has misspelt fields: what is missing there is not reported again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from quantcfg.diagnostics import Diagnostic, catalogue
from quantcfg.editions.caffe.definitions import Definition
from quantcfg.frozen import frozen_value
from quantcfg.textproto import Binding


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
