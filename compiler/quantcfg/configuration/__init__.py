"""A configuration that is there already, and AMCT's rules for reading it (reference 3.6)."""

from quantcfg.configuration.check import check_configuration
from quantcfg.configuration.complete import completed, leaves, read_configuration
from quantcfg.configuration.places import Path, Places, places_in
from quantcfg.configuration.schema import config_schema, config_schema_text

__all__ = [
    "Path",
    "Places",
    "check_configuration",
    "completed",
    "config_schema",
    "config_schema_text",
    "leaves",
    "places_in",
    "read_configuration",
]
