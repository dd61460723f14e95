"""What really changes between two configurations, or the requests that compile to them."""

from quantcfg.difference.changes import Change, difference
from quantcfg.difference.text import in_words

__all__ = ["Change", "difference", "in_words"]
