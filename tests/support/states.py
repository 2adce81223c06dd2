"""Waiting for the states of a feed."""

from queue import Queue
from typing import TypeVar

from hardware.camera.feed import Feed, FeedState, FeedTimeouts

SOON = 60.0
"""Seconds after which a test gives up; what works takes much less."""

IMPATIENT = FeedTimeouts(
    silence=0.3, opening=5.0, letting_go=0.1, retry=0.01, retry_at_most=0.05, broken=0.01
)

S = TypeVar("S", bound=FeedState)


class States:
    """Records every state that a feed enters."""

    def __init__(self, feed: Feed) -> None:
        self._seen: Queue[FeedState] = Queue()
        feed.on_state(self._seen.put)

    def seen(self) -> list[FeedState]:
        """Returns every recorded state that was not waited for."""
        return [self._seen.get() for _ in range(self._seen.qsize())]

    def until(self, kind: type[S]) -> S:
        """Waits for the next state of this kind. Raises queue.Empty when none comes."""
        while True:
            state = self._seen.get(timeout=SOON)
            if isinstance(state, kind):
                return state
