"""A line with several ends: what one says, all others hear. It can be cut, and said into."""

import contextlib
import os
import select
import threading
import tty
from types import TracebackType


class Rs485:
    """`ends` are the devices. `heard` has what was said, each piece with the end it came from."""

    def __init__(self, ends: int) -> None:
        pairs = [os.openpty() for _ in range(ends)]
        for ours, theirs in pairs:
            tty.setraw(theirs)
            os.set_blocking(ours, False)
        self._ours = [ours for ours, _ in pairs]
        # They stay open: the line is there also while nothing is attached.
        self._theirs = [theirs for _, theirs in pairs]
        self.ends = [os.ttyname(theirs) for theirs in self._theirs]
        self.heard: list[tuple[int, bytes]] = []
        self._more = threading.Condition()
        self._whole = threading.Event()
        self._whole.set()
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Rs485":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.write(self._stopped, b"\0")
        self._thread.join()
        for each in (*self._ours, *self._theirs, self._stop, self._stopped):
            os.close(each)

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def say(self, end: int, data: bytes) -> None:
        """Lets an end hear something, also while the line is cut."""
        os.write(self._ours[end], data)

    def more_than(self, pieces: int, waits_s: float) -> bool:
        """Waits until more than so many pieces were heard. Returns whether they were."""
        with self._more:
            return self._more.wait_for(lambda: len(self.heard) > pieces, waits_s)

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([*self._ours, self._stop], [], [])
            if self._stop in ready:
                return
            for end, ours in enumerate(self._ours):
                if ours not in ready:
                    continue
                data = os.read(ours, 1024)
                with self._more:
                    self.heard.append((end, data))
                    self._more.notify_all()
                for other in self._ours:
                    if other != ours and self._whole.is_set():
                        # An end that nothing is attached to fills up.
                        with contextlib.suppress(BlockingIOError):
                            os.write(other, data)
