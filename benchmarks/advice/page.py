"""Show the findings beside the figures of the reference, in docs/advise-evidence.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from statistics import fmean, median

import numpy as np

from benchmarks import pages
from benchmarks.advice import figures
from benchmarks.advice.measurements import RANDOM, Findings, Gain, Ratios, spearman
from benchmarks.advice.rankings import RANKINGS

PAGE = Path(__file__).parents[2] / "docs" / "advise-evidence.md"
_LIBRARIES = ("numpy", "scikit-image")
_CLEAR = 4.0
"""The predicted gain in dB from which `quantcfg advise` says that channel_wise is better (4.3)."""

_NONE = "-"


def render(found: Sequence[Findings], seconds: float) -> str:
    """Return all tables."""
    return "\n".join(
        (
            f"{_origin(seconds)}\n",
            "**The SQNR of the outputs in dB**\n",
            _ratios(found),
            "**channel_wise: predicted and measured gain in dB**\n",
            _gains(found),
            _bins([*chain.from_iterable(each.gains for each in found)]),
            "**Which layers to exclude: rank correlation with the measured errors**\n",
            _by_ranking(found, lambda each: each.correlations, figures.CORRELATIONS, "{:.2f}"),
            "**Which layers to exclude: gain of the outputs in dB with a tenth of the layers excluded**\n",
            _by_ranking(found, lambda each: each.improvements, figures.IMPROVEMENTS, "{:+.1f}"),
        )
    )


def _origin(seconds: float) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{date.today().isoformat()}, {platform.system()} on {platform.machine()} with {os.cpu_count()} "
        f"processors, Python {platform.python_version()}, {libraries}. It took {seconds / 60:.1f} minutes."
    )


def _ratios(found: Iterable[Findings]) -> str:
    header = ("network", "layers", "weights", "weights, one factor", "inputs", "weights and inputs")
    return pages.table(header, (_ratio_row(each, figures.RATIOS[each.name]) for each in found))


def _ratio_row(found: Findings, reference: Ratios) -> list[str]:
    names = ("weights", "per_tensor", "inputs", "both")
    cells = (f"{getattr(found.ratios, name):.0f} ({getattr(reference, name):.0f})" for name in names)
    return [found.name, str(found.layers), *cells]


def _gains(found: Sequence[Findings]) -> str:
    header = (
        *("network", "layers", "predicted: median, largest", "measured: median, least", "correlation"),
        f"channel_wise is better, predicted {_CLEAR:g} dB or more",
    )
    low, high, whole = figures.LEAST_CORRELATION, figures.MOST_CORRELATION, figures.CORRELATION_OF_ALL
    rows = [_gain_row(each.name, each.gains, f" ({low} to {high})") for each in found]
    for row, each in zip(rows, found, strict=True):
        row[2] += f" ({', '.join(map(str, figures.PREDICTED[each.name]))})"
    last = _gain_row("all", [*chain.from_iterable(each.gains for each in found)], f" ({whole})")
    last[-1] += f" ({figures.BETTER:.0%})"
    return pages.table(header, [*rows, last])


def _gain_row(name: str, gains: Sequence[Gain], reference: str) -> list[str]:
    predicted, measured = [each.predicted for each in gains], [each.measured for each in gains]
    clear = [each.measured for each in gains if each.predicted >= _CLEAR]
    better = sum(each > 0 for each in clear)
    return [
        name,
        str(len(gains)),
        f"{median(predicted):.1f}, {max(predicted):.1f}",
        f"{median(measured):.1f}, {min(measured):.1f}",
        f"{spearman(predicted, measured):.2f}{reference}",
        f"{better} of {len(clear)}",
    ]


def _bins(gains: Sequence[Gain]) -> str:
    header = ("predicted", "layers", "measured: mean", "10 % to 90 %", "one factor is better")
    return pages.table(header, (_bin_row(gains, reference) for reference in figures.BINS))


def _bin_row(gains: Sequence[Gain], reference: figures.Bin) -> list[str]:
    measured = [each.measured for each in gains if reference.least <= each.predicted < reference.below]
    cells = [reference.name, f"{len(measured)} ({reference.layers})"]
    if not measured:
        return [*cells, *(f"{_NONE} ({each})" for each in _bin_cells(reference))]
    low, high = np.percentile(measured, (10, 90))
    worse = fmean(each < 0 for each in measured)
    found = figures.Bin(reference.least, reference.below, len(measured), fmean(measured), low, high, worse)
    pairs = zip(_bin_cells(found), _bin_cells(reference), strict=True)
    return [*cells, *(f"{one} ({other})" for one, other in pairs)]


def _bin_cells(found: figures.Bin) -> Sequence[str]:
    return f"{found.mean:.1f}", f"{found.low:.1f} to {found.high:.1f}", f"{found.worse:.0%}"


def _by_ranking(
    found: Sequence[Findings],
    values: Callable[[Findings], Mapping[str, float]],
    reference: Mapping[str, float],
    cell: str,
) -> str:
    names = (RANDOM, *RANKINGS)
    large = [each for each in found if each.layers >= figures.LEAST_LAYERS] or found
    means = {name: fmean(values(each)[name] for each in large) for name in names}
    rows = [
        *((each.name, values(each)) for each in found),
        (f"mean, {figures.LEAST_LAYERS} layers or more", means),
        ("reference", reference),
    ]
    return pages.table(
        ("network", *names),
        (
            [row, *(cell.format(of_row[name]) if name in of_row else _NONE for name in names)]
            for row, of_row in rows
        ),
    )
