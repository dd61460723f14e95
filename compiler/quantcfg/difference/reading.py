"""The configuration that a text stands for, so that a request can be compared with a configuration."""

from __future__ import annotations

from quantcfg.checking import is_configuration
from quantcfg.configuration import completed, read_configuration
from quantcfg.diagnostics import Diagnostic, Report, has_errors
from quantcfg.network import Edition, Network
from quantcfg.output import Config, check_request
from quantcfg.plan import assumed_network, request_from_config
from quantcfg.source import Source


def configuration_in(
    source: Source, network: Network | None, edition: Edition, report: Report
) -> Config | None:
    """Return what a quant.cfg compiles to, or a configuration, complete; None after reporting errors.

    Without a network there is nothing that a quant.cfg compiles to; what is
    wrong with it is reported, and nothing returned.
    """
    edition = network.edition if network else edition
    found: list[Diagnostic] = []
    if is_configuration(source):
        config = _read(source, network, edition, found)
    else:
        config = _compiled(source, network, edition, found)
    for diagnostic in found:
        report(diagnostic)
    return None if has_errors(found) else config


def _read(
    source: Source, network: Network | None, edition: Edition, found: list[Diagnostic]
) -> Config | None:
    config = read_configuration(source, network, edition, found.append)
    return None if config is None else completed(config, network, edition.schema)


def _compiled(
    source: Source, network: Network | None, edition: Edition, found: list[Diagnostic]
) -> Config | None:
    request = request_from_config(source, edition, found.append)
    _, config, _ = check_request(request, network or assumed_network(request, edition), found.append)
    return config if network else None
