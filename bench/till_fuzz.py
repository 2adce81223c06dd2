"""Whether the till's door stands whatever tills send: ten thousand messages of their grammar."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings

from bench.figure import Figure
from tests.support.hostile_tills import SEQUENCES, Hearing, Played, Sent

MESSAGES = 10_000
AT_ONCE = 500
"""How many sequences of messages are drawn at a time."""


def measure() -> list[Figure]:
    """Raises what the first message raises that is not answered as it should be."""
    played: list[Played] = []

    @settings(max_examples=AT_ONCE, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(SEQUENCES)
    def play(sequence: list[Sent]) -> None:
        with TemporaryDirectory() as folder:
            played.append(asyncio.run(Hearing(Path(folder)).plays(sequence)))

    while sum(each.messages for each in played) < MESSAGES:
        play()
    messages = sum(each.messages for each in played)
    how = f"{messages} messages in {len(played)} sequences, without a network"
    slowest = 1000 * max(each.slowest for each in played)
    charged = sum(len(each.charged) for each in played)
    return [
        Figure("slowest answer to a hostile till", slowest, "ms", how, 1000),
        Figure("  payments made among them", charged, "", "each was asked for, and once"),
    ]
