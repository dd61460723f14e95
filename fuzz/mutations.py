"""python -m fuzz.mutations [COUNT [SEED]]: run all readers on seeded mutations of the corpus.

Prints for each reader the number of inputs and failures, the time of the slowest
input, and every input that raised an exception.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from fuzz.targets import CORPUS, TARGETS

_DEFAULTS = (1000, 0)

SHARED = Path(__file__).parents[2] / "shared"
_MORE = {
    "request": ("configs/*.cfg",),
    "configuration": ("configs/*.json",),
    "prototxt": (
        "models/lenet_mnist/*.prototxt",
        "models/mtcnn_det1/*.prototxt",
        "models/cifar10_*/*.prototxt",
    ),
    "weights": ("models/mtcnn_det1/*.caffemodel", "models/wechat_sr/*.caffemodel"),
    "onnx": ("models_onnx/light_densenet121.onnx",),
}
"""Further seeds, if this directory exists."""

_FRAGMENTS = (
    *(b"{", b"}", b"[", b"]", b"<", b">", b":", b",", b";", b'"', b"'", b"\\", b"#", b"\n", b"\r", b"\0"),
    *(
        b"-",
        b"1e999",
        b"nan",
        b"0x",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xd6\xd0",
        b"{" * 200,
        b"[" * 200,
    ),
    *(b"9" * 400, b"layer", b"null", b"\x7f", b"\x80" * 11, b"\x0a\xff\xff\xff\xff\x0f"),
)


def seeds(name: str) -> list[bytes]:
    """Return the inputs that are mutated for a target."""
    files = [*sorted((CORPUS / name).iterdir())]
    for pattern in _MORE[name]:
        files += sorted(SHARED.glob(pattern))
    return [file.read_bytes() for file in files]


def mutated(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Return content with random changes: bits flipped, bytes inserted, deleted, repeated or cut off."""
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        at, end = sorted(random.choices(range(len(content) + 1), k=2))
        match random.choice(("flip", "insert", "insert", "delete", "double", "cut", "splice", "byte")):
            case "flip" if content:
                index = random.randrange(len(content))
                content = (
                    content[:index]
                    + bytes([content[index] ^ 1 << random.randrange(8)])
                    + content[index + 1 :]
                )
            case "byte":
                content = content[:at] + random.randbytes(1) + content[at + 1 :]
            case "insert":
                content = content[:at] + random.choice(_FRAGMENTS) + content[at:]
            case "delete":
                content = content[:at] + content[min(end, at + 40) :]
            case "double":
                content = content[:end] + content[at : min(end, at + 400)] + content[end:]
            case "cut":
                content = content[:at] if random.random() < 0.3 else content
            case "splice":
                other = random.choice(others)
                start = random.randrange(len(other) + 1)
                content = content[:at] + other[start : start + 200] + content[at:]
    return content


def inputs(name: str, count: int, seed: int) -> Iterator[bytes]:
    """Yield mutated inputs for a target. The same seed gives the same inputs."""
    random = Random(f"{name} {seed}")
    known = seeds(name)
    for _ in range(count):
        yield mutated(random.choice(known), random, known)


def run(name: str, count: int, seed: int) -> int:
    """Run a target on its inputs, print the result, and return the number of failures."""
    target = TARGETS[name]()
    slowest, failures = 0.0, 0
    for content in inputs(name, count, seed):
        start = time.perf_counter()
        try:
            target(content)
        except Exception:
            failures += 1
            print(f"{name} fails on {content!r}")
            traceback.print_exc()
        slowest = max(slowest, time.perf_counter() - start)
    print(f"{name}: {count} inputs, {failures} failures, slowest {slowest:.2f} s", flush=True)
    return failures


def main() -> int:
    """Run all targets."""
    given = [int(text) for text in sys.argv[1:]]
    count, seed = [*given, *_DEFAULTS[len(given) :]]
    failures = sum(run(name, count // len(TARGETS), seed) for name in TARGETS)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
