"""Arguments that several commands share."""

from __future__ import annotations

import argparse


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --model and --weights."""
    parser.add_argument("--model", required=True, metavar="FILE", help="the network, a prototxt")
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="its weights, a caffemodel; only names and shapes are read. "
        "Without it the rank of a filter comes from the prototxt",
    )
