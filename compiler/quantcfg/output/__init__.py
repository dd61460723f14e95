"""What comes out: the configuration of a plan, its text, its validation and its file."""

from quantcfg.output.emit import Config, config_of, forms_of, text_of
from quantcfg.output.validate import allowed, check_config, check_request, schema_errors
from quantcfg.output.write import bad_output_name, rewrite_file, write_file, write_files

__all__ = [
    "Config",
    "allowed",
    "bad_output_name",
    "check_config",
    "check_request",
    "config_of",
    "forms_of",
    "rewrite_file",
    "schema_errors",
    "text_of",
    "write_file",
    "write_files",
]
