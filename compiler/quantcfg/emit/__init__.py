"""The output: the configuration of a plan, its text, its validation and its file."""

from quantcfg.emit.emit import Config, Configuration, emit
from quantcfg.emit.validate import allowed, schema_errors, validate
from quantcfg.emit.write import (
    Content,
    Guard,
    bad_output_name,
    is_same_file,
    rewrite_file,
    write_file,
    write_files,
)

__all__ = [
    "Config",
    "Configuration",
    "Content",
    "Guard",
    "allowed",
    "bad_output_name",
    "emit",
    "is_same_file",
    "rewrite_file",
    "schema_errors",
    "validate",
    "write_file",
    "write_files",
]
