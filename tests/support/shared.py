"""What the tests of one process share although they stand in different files."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Keeps one thing running from the first test that asks for it until `end`; whoever asks after
    that gets a new one."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self.running: T | None = None

    def get(self, make: Callable[[], AbstractContextManager[T]]) -> T:
        """Returns the thing that runs, or else enters what `make` returns."""
        if self.running is None:
            self.running = self._open.enter_context(make())
        return self.running

    def end(self) -> None:
        self.running = None
        self._open.close()
