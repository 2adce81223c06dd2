"""How long to pause between attempts that fail."""

from collections.abc import Iterator


def doubling(first: float, longest: float) -> Iterator[float]:
    """Yields pauses in seconds without end: `first`, then twice as long each, up to `longest`."""
    pause = first
    while True:
        yield pause
        pause = min(2 * pause, longest)
