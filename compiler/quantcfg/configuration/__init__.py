"""A configuration that is there already, and AMCT's rules for reading it (reference 3.6)."""

from quantcfg.configuration.check import check_configuration

__all__ = ["check_configuration"]
