"""The vision thread: finds the hand in the newest frame while somebody watches."""

import asyncio
import logging
import threading
import time
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from hardware.camera.feed import Feed, Lease, Mailbox
from hardware.faults import PermanentFault
from kiosk.lately import Impersonal
from palm.hand.find import HandFinder
from palm.hand.observation import Observation
from palm.hand.observe import observe

_log = logging.getLogger(__name__)

FAILURES_AT_MOST = 30
"""The number of failed passes in a row, about one second of them, that make a fault."""

_LOOK_UP = 0.5
"""Seconds without a frame after which the thread checks whether anybody still watches."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen in one frame. The frame is valid until the next sight is asked for."""

    observation: Observation
    seconds: float
    """The duration of the pass."""
    frame: Lease

    def keep(self) -> Lease:
        """Returns a lease of the frame that stays valid until the caller closes it."""
        return self.frame.again()


class Eyes:
    """Looks for hands from `start` to `stop`, and does nothing while nobody watches."""

    def __init__(self, feed: Feed) -> None:
        """Raises ModelMissing when the palm models have not been built."""
        self._feed = feed
        self._finder = HandFinder()
        self._wanted = threading.Condition()
        self._watchers: list[_Watcher] = []
        self._asked: list[Callable[[], None]] = []
        """What is to be called on the thread, which lives if it is."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="vision", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and waits for it. Watchers get no further sights."""
        with self._wanted:
            self._stopping = True
            self._wanted.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def prove_alive(self, answer: Callable[[], None]) -> None:
        """Has the thread call `answer` (`protocol.watchdog.Part`)."""
        with self._wanted:
            self._asked.append(answer)
            self._wanted.notify_all()

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[AsyncIterator[Sight]]:
        """Yields an iterator over the newest sights, on the running loop. A sight that is not
        asked for in time is replaced by the next. Asking raises PermanentFault when every pass
        fails."""
        watcher = _Watcher(asyncio.get_running_loop())
        with self._wanted:
            self._watchers.append(watcher)
            self._wanted.notify_all()
        try:
            yield watcher
        finally:
            with self._wanted:
                self._watchers.remove(watcher)
            watcher.close()

    def _run(self) -> None:
        while self._wait_until_wanted():
            mailbox = self._feed.subscribe()
            try:
                self._look(mailbox)
            finally:
                mailbox.close()

    def _wait_until_wanted(self) -> bool:
        """Waits for a watcher. Returns False when the thread has to end."""
        while True:
            with self._wanted:
                self._wanted.wait_for(lambda: self._watchers or self._stopping or self._asked)
                if self._watchers or self._stopping:
                    return not self._stopping
            self._answer()

    def _answer(self) -> None:
        """Shows that the thread lives to whoever has asked."""
        with self._wanted:
            asked, self._asked = self._asked, []
        for answer in asked:
            answer()

    def _look(self, mailbox: Mailbox) -> None:
        """Looks at the newest frame, again and again, while somebody watches."""
        self._finder.forget()
        before: Observation | None = None
        failures = 0
        while self._watchers and not self._stopping and not mailbox.closed:
            self._answer()
            frame = mailbox.take(_LOOK_UP)
            if frame is None:
                continue
            with frame:
                began = time.perf_counter()
                try:
                    hands = self._finder.follow(frame.image)
                    before = observe(frame.image, hands, frame.at, before)
                except Exception as error:
                    failures += 1
                    _log_without_data(error)
                    if failures % FAILURES_AT_MOST == 0:
                        self._tell(_broken(error))
                    continue
                failures = 0
                self._tell(Sight(before, time.perf_counter() - began, frame))

    def _tell(self, news: Sight | PermanentFault) -> None:
        with self._wanted:
            for watcher in self._watchers:
                watcher.put(replace(news, frame=news.keep()) if isinstance(news, Sight) else news)


def _broken(error: Exception) -> PermanentFault:
    return PermanentFault(
        f"Vision does not work: every pass fails with {type(error).__name__}.",
        "See the log; building the palm models anew may help.",
    )


class _Watcher:
    """One watcher's newest sight: set by the vision thread, taken on the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._filled = asyncio.Event()
        self._newest: Sight | PermanentFault | None = None
        self._shown: Sight | None = None

    def put(self, newest: Sight | PermanentFault) -> None:
        with self._lock:
            replaced, self._newest = self._newest, newest
        _let_go(replaced)
        self._loop.call_soon_threadsafe(self._filled.set)

    def __aiter__(self) -> AsyncIterator[Sight]:
        return self

    async def __anext__(self) -> Sight:
        _let_go(self._shown)
        self._shown = None
        while (newest := self._empty()) is None:
            await self._filled.wait()
            self._filled.clear()
        if isinstance(newest, PermanentFault):
            raise newest
        self._shown = newest
        return newest

    def close(self) -> None:
        _let_go(self._empty())
        _let_go(self._shown)
        self._shown = None

    def _empty(self) -> Sight | PermanentFault | None:
        with self._lock:
            newest, self._newest = self._newest, None
        return newest


def _let_go(sight: Sight | PermanentFault | None) -> None:
    if isinstance(sight, Sight):
        sight.frame.close()


def _log_without_data(error: Exception) -> None:
    """Logs where the pass failed, without the message, which may quote what was in the frame."""
    where = Impersonal("".join(traceback.format_tb(error.__traceback__)))
    _log.error("A vision pass failed with %s\n%s", Impersonal(type(error).__name__), where)
