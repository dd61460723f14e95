"""Print one line for each comparison: the ratio of medians over alternating runs, and the times."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from benchmarks.inputs import prototxt, quant_cfg, write_weights
from quantcfg import compile_config, contracts, format_text
from quantcfg.api import load_model
from quantcfg.caffe import read_weights
from quantcfg.source import Source
from quantcfg.textproto import parse

_ROUNDS = 9
_READ_ALONE = (
    "import sys; from google.protobuf import text_format; from quantcfg import contracts; "
    "net = contracts.message_class('caffe', 'caffe.NetParameter')(); "
    "text_format.Parse(open(sys.argv[1]).read(), net, allow_unknown_field=True)"
)

Work = Callable[[], object]


def main() -> None:
    """Run all comparisons."""
    print(f"{'what':46} {'against':34} {'ratio':>6} {'ms':>8} {'ms':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for what, against, ours, theirs in _comparisons(Path(folder)):
            ours_ms, theirs_ms = _medians(ours, theirs)
            print(f"{what:46} {against:34} {ours_ms / theirs_ms:6.2f} {ours_ms:8.1f} {theirs_ms:8.1f}")


def _comparisons(folder: Path) -> Iterator[tuple[str, str, Work, Work]]:
    model, config, weights = folder / "deploy.prototxt", folder / "quant.cfg", folder / "net.caffemodel"
    model.write_text(prototxt(170))
    config.write_text(quant_cfg(500))
    write_weights(weights, 150, 384 * 1024)
    text, request = model.read_text(), config.read_text()
    large = folder / "large.prototxt"
    large.write_text(prototxt(500))
    network = load_model(large, None, print)
    assert network

    yield (
        f"parse a prototxt of {len(text) // 1024} KB",
        "text_format.Parse",
        lambda: parse(Source("deploy.prototxt", text), print),
        lambda: text_format.Parse(text, _message("caffe", "caffe.NetParameter"), allow_unknown_field=True),
    )
    yield (
        f"format a prototxt of {len(text) // 1024} KB",
        "parse",
        lambda: format_text(text),
        lambda: parse(Source("deploy.prototxt", text), print),
    )
    yield (
        f"parse a quant.cfg of {len(request) // 1024} KB",
        "text_format.Merge",
        lambda: parse(Source("quant.cfg", request), print),
        lambda: text_format.Merge(request, _config_message()),
    )
    yield (
        "compile 500 layers with 500 overrides",
        "text_format.Merge of the quant.cfg",
        lambda: compile_config(network, config_text=request),
        lambda: text_format.Merge(request, _config_message()),
    )
    yield (
        "quantcfg compile, a new process",
        "text_format.Parse, a new process",
        lambda: _process(
            "-m", "quantcfg", "compile", "--model", str(model), "-o", str(folder / "config.json")
        ),
        lambda: _process("-c", _READ_ALONE, str(model)),
    )
    yield (
        f"names and shapes of a caffemodel of {weights.stat().st_size >> 20} MB",
        "protobuf's parse of it",
        lambda: read_weights(weights, print),
        lambda: _message("caffe", "caffe.NetParameter").ParseFromString(weights.read_bytes()),
    )


def _message(file: str, name: str) -> Any:
    return contracts.message_class(file, name)()


def _config_message() -> Any:
    return _message("calibration_config_caffe", "amct_caffe.AMCTConfig")


def _process(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def _medians(ours: Work, theirs: Work) -> tuple[float, float]:
    """Return the median times of two works in milliseconds, run in turn after a run that does not count."""
    ours()
    theirs()
    times = [(_time(ours), _time(theirs)) for _ in range(_ROUNDS)]
    first, second = zip(*times, strict=True)
    return statistics.median(first), statistics.median(second)


def _time(work: Work) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
