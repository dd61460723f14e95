"""Read and check a JSON configuration by AMCT's rules (reference 3.6)."""

from quantcfg.configuration.places import Path, Places, places_in
from quantcfg.configuration.reading import read_configuration
from quantcfg.configuration.schema import config_schema, config_schema_text

__all__ = ["Path", "Places", "config_schema", "config_schema_text", "places_in", "read_configuration"]
