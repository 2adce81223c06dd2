"""How long to wait before another attempt, wherever something is tried until it works."""


def pause_after(failures: int, first: float, longest: float) -> float:
    """Returns the pause in seconds: `first`, doubled for each of the `failures` before this one,
    and at most `longest`."""
    return min(first * 2.0 ** min(failures, 60), longest)
