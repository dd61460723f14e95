"""What really changes between two configurations, or the requests that compile to them."""

from quantcfg.difference.changes import Change, applied, difference
from quantcfg.difference.reading import configuration_in
from quantcfg.difference.text import in_words

__all__ = ["Change", "applied", "configuration_in", "difference", "in_words"]
