"""A configuration that is there already, and AMCT's rules for reading it (reference 3.6)."""

from quantcfg.configuration.check import check_configuration
from quantcfg.configuration.complete import completed, leaves, read_configuration
from quantcfg.configuration.places import Path, Places, places_in

__all__ = [
    "Path",
    "Places",
    "check_configuration",
    "completed",
    "leaves",
    "places_in",
    "read_configuration",
]
