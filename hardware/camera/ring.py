"""The buffers of a camera's pictures: every reader gets the newest picture, without a copy.

The buffers are allocated once. Each reader has a mailbox for one picture, which a newer picture
replaces if it was not taken, so no reader queues or waits for another. A picture that is taken is
leased: its buffer is not written to until it is given back.
"""

import threading
from collections.abc import Callable
from types import TracebackType

import numpy as np

from hardware.camera.camera import Colour, Size

BUFFERS = 12
"""The number of buffers: one being written, the newest, one in the live view, one in the vision
pass, a burst of five, and one for each reader that may be stuck in its driver."""


class Buffer:
    """The memory of one picture."""

    def __init__(self, size: Size) -> None:
        self.image: Colour = np.zeros((*size, 3), np.uint8)
        self.at = 0.0
        self.sequence = 0
        self.holders = 0
        """The number of leases, plus one while the camera's thread writes."""
        self.to_be_wiped = False


class Lease:
    """One picture while it is held. A context manager; closing twice does nothing."""

    def __init__(self, ring: "Ring", buffer: Buffer) -> None:
        self._ring = ring
        self._buffer = buffer
        self._held = True
        self.image: Colour = buffer.image
        """(height, width, 3) BGR: the buffer itself, which must not be used after `close`."""
        self.at = buffer.at
        """When the picture was taken, on the clock of `time.monotonic`."""
        self.sequence = buffer.sequence
        """The number of the picture, counted from 1; a gap is a picture that was not taken in
        time."""

    def again(self) -> "Lease":
        """Returns a second lease of this picture, which is closed on its own."""
        return self._ring.lease(self._buffer)

    def close(self) -> None:
        if self._held:
            self._held = False
            self._ring.give_back(self._buffer)

    def __enter__(self) -> "Lease":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Mailbox:
    """Holds the newest picture that its owner has not taken."""

    def __init__(self, ring: "Ring", on_arrival: Callable[[], None] | None) -> None:
        self._ring = ring
        self.on_arrival = on_arrival
        self.newest: Buffer | None = None
        self.closed = False

    def take(self, timeout: float = 0.0) -> Lease | None:
        """Returns the newest picture and waits up to `timeout` seconds for one. None when none
        comes or the mailbox is closed."""
        return self._ring.take(self, timeout)

    def close(self) -> None:
        """Takes no more pictures and wakes whoever waits in `take`."""
        self._ring.unsubscribe(self)


class Ring:
    """A fixed number of buffers of one size. Thread-safe for one writer and any number of
    readers."""

    def __init__(self, size: Size, buffers: int = BUFFERS) -> None:
        self._arrived = threading.Condition()
        self._buffers = [Buffer(size) for _ in range(buffers)]
        self._mailboxes: list[Mailbox] = []
        self._sequence = 0

    def subscribe(self, on_arrival: Callable[[], None] | None) -> Mailbox:
        """See `Feed.subscribe`."""
        mailbox = Mailbox(self, on_arrival)
        with self._arrived:
            self._mailboxes.append(mailbox)
        return mailbox

    def unsubscribe(self, mailbox: Mailbox) -> None:
        with self._arrived:
            if not mailbox.closed:
                mailbox.closed = True
                mailbox.newest = None
                # The writer may still have the mailbox: whoever is called must not go with it.
                mailbox.on_arrival = None
                self._mailboxes.remove(mailbox)
                self._arrived.notify_all()

    def close(self) -> None:
        """Closes every mailbox and wipes every buffer."""
        with self._arrived:
            for mailbox in tuple(self._mailboxes):
                self.unsubscribe(mailbox)
            self.wipe()

    def wipe(self) -> None:
        """See `Feed.wipe`. The buffer that is being written counts as leased."""
        with self._arrived:
            for mailbox in self._mailboxes:
                mailbox.newest = None
            for buffer in self._buffers:
                if buffer.holders:
                    buffer.to_be_wiped = True
                else:
                    buffer.image.fill(0)

    # For the readers

    def take(self, mailbox: Mailbox, timeout: float) -> Lease | None:
        with self._arrived:
            self._arrived.wait_for(lambda: mailbox.newest is not None or mailbox.closed, timeout)
            buffer, mailbox.newest = mailbox.newest, None
            if buffer is None:
                return None
            buffer.holders += 1
            return Lease(self, buffer)

    def lease(self, buffer: Buffer) -> Lease:
        with self._arrived:
            assert buffer.holders, "only what is held can be leased again"
            buffer.holders += 1
            return Lease(self, buffer)

    def give_back(self, buffer: Buffer) -> None:
        with self._arrived:
            buffer.holders -= 1
            if not buffer.holders and buffer.to_be_wiped:
                _wipe(buffer)

    # For the camera's thread

    def claim(self) -> Buffer | None:
        """Returns a buffer to write to, None while all are held."""
        with self._arrived:
            return self._oldest_free(but=None)

    def publish(self, buffer: Buffer, at: float) -> Buffer:
        """Delivers a claimed buffer, whose picture was taken at `at`, and returns the one to write
        to next. Nothing is delivered and the same buffer is returned when all others are held or
        the ring was wiped meanwhile."""
        with self._arrived:
            self._sequence += 1
            if buffer.to_be_wiped:
                _wipe(buffer)
                return buffer
            following = self._oldest_free(but=buffer)
            if following is None:
                return buffer
            buffer.at, buffer.sequence = at, self._sequence
            buffer.holders -= 1
            for mailbox in self._mailboxes:
                mailbox.newest = buffer
                if mailbox.on_arrival is not None:
                    mailbox.on_arrival()
            self._arrived.notify_all()
            return following

    def _oldest_free(self, *, but: Buffer | None) -> Buffer | None:
        free = [b for b in self._buffers if not b.holders and b is not but]
        if not free:
            return None
        oldest = min(free, key=lambda b: b.sequence)
        oldest.holders = 1
        # A camera may hold it for long before it writes: its old picture must not outlive a wipe.
        oldest.image.fill(0)
        for mailbox in self._mailboxes:
            if mailbox.newest is oldest:
                mailbox.newest = None
        return oldest


def _wipe(buffer: Buffer) -> None:
    buffer.image.fill(0)
    buffer.to_be_wiped = False
