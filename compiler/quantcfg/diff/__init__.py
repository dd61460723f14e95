"""Compare two configurations, or the requests that compile to them."""

from quantcfg.diff.changes import Change, difference
from quantcfg.diff.render import in_words

__all__ = ["Change", "difference", "in_words"]
