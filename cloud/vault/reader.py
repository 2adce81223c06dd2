"""Reads the pictures of a capture in a process that may be lost.

Decoders and networks take in whatever a sender has sealed. So they run where nothing can be taken
and nothing held up: in a *reader*, a process without keys, sockets and files, with a limit of time
and of memory, which reads one capture and ends.

Three kinds of process take part. The *vault* holds the keys. The *nursery* is forked from it before
it reads any key; it loads the models once, and then forks a reader for each capture, which is at
work at once because it has inherited them. There are always AT_ONCE readers, which wait or work.
The vault talks with each over a pair of sockets, of which it hands one to the nursery. Whatever
becomes of a reader, the vault gets an answer, or the end of the stream, or gives up after
PATIENCE_S.
"""

import contextlib
import gc
import math
import os
import queue
import resource
import signal
import socket
import struct
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np

from cloud import plugins
from cloud.telemetry import logs
from cloud.vault.confine import confine, forgo_files, forgo_processes
from cloud.vault.examiner import Examiner, Flaw, Presentation, Unusable
from cloud.vault.messages import AT_ONCE
from cloud.vault.rehearsal import SEED, rehearsal
from palm.hand.landmarks import Side
from palm.hand.roi import SIZE, Roi
from palm.liveness.signed import Signs
from palm.models import keep_no_memory
from protocol import canonical
from protocol.capture import MAX_FRAMES, Burst
from protocol.challenge import steps
from protocol.memory import lock_memory, widen_pages

PROCESSOR_S = 2
"""The processor time in seconds that one capture may take; the usual ones take a tenth."""
PATIENCE_S = 10.0
"""The time after which the vault gives up a reader, which then gets less than a fifth of a core."""
MEMORY = 512 * 1024 * 1024
"""The memory in bytes that a reader may take in addition to what it has inherited."""

_PROOF = b"\xff"
"""What the nursery sends back, instead of making a reader for a place."""
_HEAD = struct.Struct(">II")
"""The lengths of the two parts of a question, the seed and the capture. Those of an answer are
0 and that of its only part."""
_LONGEST = MAX_FRAMES * (SIZE * SIZE + SIZE * SIZE // 8 + 64) + 1024
"""The longest answer in bytes."""
_PAGE = resource.getpagesize()


class NurseryLost(RuntimeError):
    """The process that makes readers has ended. Only a new vault can start one, without its
    keys."""


class Failed(Exception):
    """The reader met an error of its own; the message is the name of its type and nothing else."""


class Readers:
    """The vault's side: has captures read, each by a reader of its own. Several threads may ask."""

    def __init__(self, examiner: str) -> None:
        """Forks the nursery, which loads the part `examiner` (`cloud.plugins`). It must be called
        before this process knows a secret or has started a thread. Raises OSError."""
        self._nursery, theirs = socket.socketpair()
        self._idle: queue.SimpleQueue[tuple[int, socket.socket]] = queue.SimpleQueue()
        """The readers that wait, by the place that each takes."""
        self._pid = os.fork()
        if self._pid == 0:
            _nurse(theirs, examiner)
        theirs.close()

    def wait(self) -> None:
        """Waits until the nursery has loaded its models. Raises NurseryLost when it cannot; it has
        written the cause to standard error."""
        if not self._nursery.recv(1):
            raise NurseryLost("the process that reads pictures does not start")
        for place in range(AT_ONCE):
            self._refill(place)

    def prove_alive(self) -> None:
        """Waits until the nursery answers. One thread may ask at a time. Raises NurseryLost."""
        answered = b""
        with contextlib.suppress(OSError):
            self._nursery.sendall(_PROOF)
            answered = self._nursery.recv(1)
        if not answered:
            raise NurseryLost("the process that reads pictures has ended")

    def close(self) -> None:
        """Ends nursery and readers."""
        self._nursery.close()
        os.waitpid(self._pid, 0)

    def examine(self, burst: Burst, seed: bytes | None) -> Presentation:
        """Has a burst judged (`cloud.vault.examiner.Examiner`), under the light challenge of this
        seed if it is not None.

        Raises Unusable, also when the reader had to be given up; Failed; and NurseryLost.
        """
        capture = burst.encode()
        place, reader = self._idle.get()
        try:
            answer = _ask(reader, seed or b"", capture)
        except (OSError, EOFError):
            # It has used up its time or memory, or was brought down.
            raise Unusable(Flaw.TOO_COSTLY) from None
        finally:
            capture[:] = bytes(len(capture))
            # The next one is forked while the vault goes on with this capture.
            reader.close()
            self._refill(place)
        return _opened(answer)

    def _refill(self, place: int) -> None:
        """Has a new reader take a place. The one that had it is ended."""
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                socket.send_fds(self._nursery, [bytes([place])], [theirs.fileno()])
        except OSError:
            raise NurseryLost("the process that reads pictures has ended") from None
        self._idle.put((place, ours))


def _ask(reader: socket.socket, seed: bytes, capture: bytearray) -> bytes:
    """Raises OSError and EOFError when there is no answer in time."""
    until = time.monotonic() + PATIENCE_S
    reader.settimeout(PATIENCE_S)
    reader.sendall(_HEAD.pack(len(seed), len(capture)) + seed)
    reader.sendall(capture)
    _, length = _HEAD.unpack(_receive(reader, _HEAD.size, until))
    if length > _LONGEST:
        raise EOFError
    return bytes(_receive(reader, length, until))


def _receive(stream: socket.socket, count: int, until: float | None = None) -> bytearray:
    """Receives so many bytes. Raises EOFError, and OSError from the time `until`, on the clock of
    `time.monotonic`."""
    received = bytearray(count)
    left = memoryview(received)
    while left:
        if until is not None:
            stream.settimeout(max(until - time.monotonic(), 0.001))
        some = stream.recv_into(left)
        if not some:
            raise EOFError
        left = left[some:]
    return received


# The nursery


def _nurse(control: socket.socket, examiner: str) -> NoReturn:
    """Loads the models and makes a reader for each pair of sockets, until the vault is gone."""
    status = 2
    try:
        # The vault's other descriptors are not the nursery's: streams end only when all close.
        os.closerange(3, control.fileno())
        os.closerange(control.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        loaded = _loaded(examiner)
        control.send(b"\0")
        _make_readers(control, loaded)
        status = 0
    except (plugins.NoSuchPart, OSError) as error:
        logs.say("vault", str(error))
    except Exception:
        logs.say("vault", traceback.format_exc().rstrip())
    finally:
        os._exit(status)


def _loaded(name: str) -> Examiner:
    """Returns the examiner, ready for work, after taking from this process all that it does not
    need any more. Raises NoSuchPart and OSError."""
    confine()
    # A forked process has none of the threads of the one before.
    cv2.setNumThreads(1)
    # What is loaded at first use is loaded here, where files can still be read.
    for module in ("fft", "ma", "polynomial", "random"):
        import_module(f"numpy.{module}")
    # A reader that writes where the nursery has written copies that page first. So networks keep
    # nothing here, and a thread has memory of its own: what loading frees, no reader is given.
    keep_no_memory()
    with ThreadPoolExecutor(1) as alone:
        examiner = alone.submit(_rehearsed, name).result()
    # All of it: what is shared is no data of a process, and takes as much room.
    used = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    widen_pages()
    # Libraries write what they think of a picture to standard error. It is nobody's business.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    forgo_files()
    # A reader that looked for garbage here would copy the memory it looks at.
    gc.freeze()
    return examiner


def _rehearsed(name: str) -> Examiner:
    """Returns the examiner once it has done all that it does at first use. Raises NoSuchPart."""
    examiner: Examiner = plugins.make(name)
    for shown in ((), steps(SEED)):
        with contextlib.suppress(Unusable):
            examiner.examine(rehearsal(len(shown)), shown)
    return examiner


def _make_readers(control: socket.socket, examiner: Examiner) -> None:
    readers: dict[bytes, int] = {}
    try:
        while True:
            place, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if place == _PROOF:
                control.sendall(_PROOF)
                continue
            if place in readers:
                _end(readers.pop(place))
            if not place:
                return
            stream = socket.socket(fileno=descriptors[0])
            reader = os.fork()
            if reader == 0:
                try:
                    control.close()
                    # What the nursery has locked is not locked here.
                    lock_memory()
                    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))
                    forgo_processes()
                    _read(stream, examiner)
                finally:
                    os._exit(0)
            readers[place] = reader
            stream.close()
    finally:
        for reader in readers.values():
            _end(reader)


def _end(reader: int) -> None:
    os.kill(reader, signal.SIGKILL)
    os.waitpid(reader, 0)


# The reader


def _read(stream: socket.socket, examiner: Examiner) -> None:
    """Reads one capture and answers with what was found in it."""
    seed_length, length = _HEAD.unpack(_receive(stream, _HEAD.size))
    seed = bytes(_receive(stream, seed_length))
    burst = Burst.decode(_receive(stream, length))
    answer: list[Any]
    try:
        answer = _closed(examiner.examine(burst, steps(seed) if seed else ()))
    except Unusable as unusable:
        answer = ["unusable", unusable.flaw.value]
    except Exception as error:
        answer = ["failed", type(error).__name__]
    finally:
        burst.wipe()
    packed = canonical.encode(answer)
    stream.sendall(_HEAD.pack(0, len(packed)) + packed)


def _closed(found: Presentation) -> list[Any]:
    """Returns `["palm", side, [[image, quality, visible], ...], score, pulse, signs]`: a byte for
    each pixel of the image, a bit of `visible`, which is null where everything is. `signs` is null
    or `[lines, relief, veins, skin]`."""
    palms = [
        [
            palm.image.tobytes(),
            float(palm.quality),
            None if palm.visible is None else np.packbits(palm.visible).tobytes(),
        ]
        for palm in found.palms
    ]
    score = None if found.score is None else float(found.score)
    signs = found.signs and list(astuple(found.signs))
    return ["palm", found.side.value, palms, score, found.pulse, signs]


def _opened(answer: bytes) -> Presentation:
    """Returns what a reader found. Raises Unusable and Failed.

    A reader that was brought down may answer anything, and does not get further than this.
    """
    try:
        match canonical.decode(answer):
            case [
                "palm",
                str(side),
                [_, *_] as palms,
                float() | None as score,
                bool(pulse),
                signs,
            ] if score is None or math.isfinite(score):
                where = Side(side)
                seen = tuple(_palm(where, each) for each in palms)
                return Presentation(where, seen, score, pulse, _signs(signs))
            case ["unusable", str(flaw)]:
                raise Unusable(Flaw(flaw))
            case ["failed", str(name)] if name.isidentifier() and len(name) <= 64:
                raise Failed(name)
            case _:
                pass
    except ValueError:
        pass
    raise Failed("ValueError")


def _palm(side: Side, item: Any) -> Roi:
    match item:
        case [bytes(image), float(quality), bytes() | None as visible] if (
            len(image) == SIZE * SIZE
            and 0 <= quality <= 1
            and (visible is None or len(visible) == SIZE * SIZE // 8)
        ):
            return Roi(
                np.frombuffer(image, np.uint8).reshape(SIZE, SIZE).copy(),
                side,
                quality,
                None if visible is None else _bits(visible),
            )
        case _:
            raise ValueError("not a palm")


def _signs(item: Any) -> Signs | None:
    match item:
        case None:
            return None
        case [bytes(lines), bytes() | None as relief, bytes() | None as veins, float(skin)]:
            return Signs(lines, relief, veins, skin)
        case _:
            raise ValueError("not signs")


def _bits(packed: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    bits = np.unpackbits(np.frombuffer(packed, np.uint8)).astype(np.bool_)
    return bits.reshape(SIZE, SIZE)
