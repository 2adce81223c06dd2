"""`python -m cloud.vault --directory DIR --examiner … --scheme … (--channel FD … | --socket PATH)`.

Runs the vault. The service starts it with one end of some socket pairs, or systemd starts it to
listen on a socket; several may have the same keys. On each stream it answers one question after
another (`cloud.vault.messages`) until the other end closes. Whatever a question raises is answered
with a refusal. What judges pictures runs in other processes (`cloud.vault.reader`), several at a
time; what the vault does itself, it does one at a time.
"""

import argparse
import contextlib
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import BinaryIO, NoReturn

import cv2

from cloud import plugins
from cloud.keys.keeper import KeysAway, KeysUnusable
from cloud.state import StateDamaged
from cloud.telemetry import logs
from cloud.vault import keys, messages
from cloud.vault.confine import confine
from cloud.vault.examiner import Flaw, Unusable
from cloud.vault.key_sets import CaptureKeys
from cloud.vault.messages import AT_ONCE, WireRefusal
from cloud.vault.pictures import PICTURE_PIXELS
from cloud.vault.reader import Failed, NurseryLost, Readers
from cloud.vault.templates import Scheme, Templates, Use
from protocol.binding import is_bound
from protocol.capture import Burst, MalformedCapture, Spectrum
from protocol.envelope import Context, EnvelopeError, open_envelope
from protocol.files import alone
from protocol.messages import Purpose, Side
from protocol.program import MODULE
from protocol.site_list import seal_templates
from protocol.storage import cause_and_remedy
from protocol.watchdog import Systemd

FRESH_MS = 120_000
"""How old an envelope may be: an upload over a slow line with its retries takes that long."""
STREAMS = 256
"""The largest number of streams, of all services together, on which questions are answered: of 28
services on a machine of eight processors or more, each with AT_ONCE streams and one more."""
AHEAD_MS = 60_000
"""How far a device's clock may be ahead."""
_CREDENTIALS = struct.Struct("3i")
"""The process, user and group of whoever has connected."""


def main() -> int:
    parser = argparse.ArgumentParser(prog=f"{MODULE} cloud.vault")
    parser.add_argument("--directory", type=Path, required=True, help="directory of the keys")
    parser.add_argument("--examiner", required=True, help="module:class that judges frames")
    parser.add_argument(
        "--scheme",
        nargs=2,
        action="append",
        required=True,
        metavar=("EXTRACTOR", "MATCHER"),
        help="module:class of each; palms are enrolled in the first scheme, and recognised in all",
    )
    parser.add_argument(
        "--wrapped-by",
        metavar="ADDRESS",
        help="what wraps the keys, or plain (docs/operating.md); without it they stay as they are",
    )
    logs.add_argument(parser)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--channel", type=int, nargs="+", help="descriptors of open sockets")
    where.add_argument("--socket", type=Path, help="socket to make and listen on")
    parser.add_argument(
        "--own-user-only", action="store_true", help="serve nobody but this user on the socket"
    )
    arguments = parser.parse_args()
    logs.choose(arguments.log_format)

    # Later it can open no socket.
    systemd = Systemd(os.environ)
    # Ctrl-C at a terminal reaches this process too; the service ends it by closing its stream.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # OpenCV reads this at its first use, and then refuses images that claim to be larger.
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(PICTURE_PIXELS)
    # Another processor reads the next capture.
    cv2.setNumThreads(1)
    # Forked first, so that the process which reads pictures never had a key.
    readers = Readers(arguments.examiner)
    try:
        streams = _streams(arguments.channel, arguments.socket, alone=arguments.own_user_only)
        with alone(arguments.directory):
            # Later it can ask nobody for a key.
            sealing = keys.sealing_key(arguments.directory, arguments.wrapped_by)
            confine()
            schemes = [Scheme(*map(plugins.make, names)) for names in arguments.scheme]
            vault = Vault(
                CaptureKeys(arguments.directory, sealing),
                readers,
                Templates(arguments.directory, schemes, sealing),
            )
        readers.wait()
        systemd.ready()
        parts = {"the templates": vault.prove_alive, "the nursery": partial(_prove, readers)}
        with systemd.watching(parts), ThreadPoolExecutor(STREAMS) as threads:
            for stream in streams:
                threads.submit(_serve, vault, stream)
    except (StateDamaged, KeysUnusable, plugins.NoSuchPart, NurseryLost, OSError) as error:
        _log(" ".join(cause_and_remedy(error)) if isinstance(error, OSError) else str(error))
        # Status 2 says that trying again does not help.
        return 1 if isinstance(error, KeysAway) else 2
    finally:
        readers.close()
    return 0


def _log(text: str, trace_id: str | None = None) -> None:
    logs.say("vault", text, trace_id)


def _serve(vault: "Vault", stream: socket.socket) -> None:
    try:
        with stream:
            vault.serve(stream)
    except NurseryLost as error:
        _end(error)


def _prove(readers: Readers, answer: Callable[[], None]) -> None:
    try:
        readers.prove_alive()
    except NurseryLost as error:
        _end(error)
    answer()


def _end(error: NurseryLost) -> NoReturn:
    """Ends the vault: no capture can be read any more, on no stream. Another vault can."""
    _log(str(error))
    os._exit(1)


def _streams(
    channels: list[int] | None, path: Path | None, *, alone: bool
) -> Iterator[socket.socket]:
    """Returns the inherited streams, or one for each connection to a new socket at `path`: of this
    user `alone`, or of everybody whom the socket's folder and group let in."""
    if path is None:
        return iter([socket.socket(fileno=channel) for channel in channels or []])
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o600 if alone else 0o660)
    listener.listen(AT_ONCE)
    return _accepted(listener, os.geteuid() if alone else None)


def _accepted(listener: socket.socket, user: int | None) -> Iterator[socket.socket]:
    """Yields connections for ever, those of one user if it is not None."""
    while True:
        stream, _ = listener.accept()
        if is_served(stream, user):
            yield stream
        else:
            stream.close()


def is_served(stream: socket.socket, user: int | None) -> bool:
    """Returns whether the other end was made by this user, or `user` is None (SO_PEERCRED,
    unix(7))."""
    told = stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, theirs, _ = _CREDENTIALS.unpack(told)
    if user in (None, theirs):
        return True
    _log(f"a connection of the user {theirs} was refused")
    return False


class Vault:
    def __init__(self, private: CaptureKeys, readers: Readers, templates: Templates) -> None:
        self._keys = private
        self._readers = readers
        self._templates = templates
        self._alone = threading.Lock()
        """Held by the one thread that uses the templates."""

    def prove_alive(self, answer: Callable[[], None]) -> None:
        """Calls `answer` when the templates can be used (`protocol.watchdog.Part`)."""
        with self._alone:
            answer()

    def serve(self, stream: socket.socket) -> None:
        """Answers questions until the other end closes. Raises NurseryLost."""
        with stream.makefile("rb") as questions:
            while (body := _read(questions)) is not None:
                answer = self._respond(body)
                try:
                    stream.sendall(answer)
                except OSError:
                    return

    def _respond(self, body: bytes) -> bytes:
        """Returns the packed answer to a question, a refusal when it raises anything."""
        trace_id: str | None = None
        try:
            question = messages.unpack_question(body)
            if isinstance(question, messages.Traced):
                trace_id, question = question.trace_id, question.question
            return messages.pack(self._answer(question))
        except NurseryLost:
            raise
        except Exception as error:
            # Its message is left out: it may quote what was read. That of the system names a file.
            kind = str(error) if isinstance(error, Failed) else type(error).__name__
            why = f". {' '.join(cause_and_remedy(error))}" if isinstance(error, OSError) else ""
            _log(f"a question was refused because of a {kind}{why}", trace_id)
            refusal = messages.CannotExamine(WireRefusal.UNUSABLE, Flaw.NOT_A_CAPTURE)
            return messages.pack(refusal)

    def _answer(self, question: messages.Question) -> messages.Answer:
        if isinstance(question, messages.Examine):
            return self._examine(question)
        with self._alone:
            self._templates.follow()
            return self._answer_alone(question)

    def _answer_alone(  # noqa: PLR0911 - one for each question
        self,
        question: messages.Introduce
        | messages.Compare
        | messages.Confirm
        | messages.MakeSearchCodes
        | messages.Protect
        | messages.TellKeys
        | messages.RenewKey
        | messages.Rekey
        | messages.Share,
    ) -> messages.Answer:
        templates = self._templates
        match question:
            case messages.Introduce():
                public = self._keys.public
                return messages.Introduction(public, templates.versions, templates.transform)
            case messages.Compare(version, probe, references):
                return messages.Scores(templates.compare(version, probe, references))
            case messages.Confirm(version, probe, references):
                return messages.Confirmed(templates.confirm(version, probe, references))
            case messages.MakeSearchCodes(version, sealed):
                return messages.SearchCodes(templates.search_codes(version, sealed))
            case messages.Protect(template):
                return messages.Protected(templates.protect(template))
            case messages.TellKeys():
                return messages.KeysTold(self._keys.tell())
            case messages.RenewKey():
                self._keys.renew()
                return messages.KeysTold(self._keys.tell())
            case messages.Rekey():
                templates.rekey()
                return messages.Rekeyed(templates.transform)
            case messages.Share(version, key, bound_to, sealed):
                shared = templates.for_gates(version, sealed)
                return messages.Shared(seal_templates(shared, key, bound_to))

    def _examine(self, question: messages.Examine) -> messages.Answer:
        try:
            context, burst = self._open(question)
        except UnopenedCapture as refusal:
            return messages.CannotExamine(refusal.kind, refusal.detail)
        if question.infrared and all(f.spectrum is not Spectrum.INFRARED for f in burst.frames):
            burst.wipe()
            return messages.CannotExamine(WireRefusal.COLOUR_ONLY, "without near infrared")
        purpose = Purpose(context.purpose)
        try:
            if burst.challenge != context.challenge:
                raise Unusable(Flaw.NOT_A_CAPTURE)
            presentation = self._readers.examine(burst, _seed(question.challenge, burst))
        except Unusable as unusable:
            if unusable.flaw is Flaw.NOT_LIVE:
                return messages.NotLive(purpose, context.visit_id, context.nonce)
            return messages.CannotExamine(WireRefusal.UNUSABLE, unusable.flaw)
        finally:
            burst.wipe()
        enrols = purpose is Purpose.ENROL
        with self._alone:
            self._templates.follow()
            # What is kept of such a palm can be shared with gates, and cannot be searched.
            use = Use.GATES if purpose is Purpose.KEEP else Use.GALLERY
            probes = self._templates.extract(
                presentation.palms, question.versions, use, presentation.signs
            )
            agreement = self._templates.agreement(presentation.palms) if enrols else None
        return messages.ExaminedPalm(
            Side(presentation.side),
            tuple(probes),
            purpose,
            context.visit_id,
            context.nonce,
            agreement=agreement,
            score=presentation.score,
            pulse=presentation.pulse,
            quality=fmean(each.quality for each in presentation.palms)
            if question.quality
            else None,
        )

    def _open(self, question: messages.Examine) -> tuple[Context, Burst]:
        try:
            context, capture = open_envelope(question.envelope, self._keys.openable())
        except EnvelopeError as error:
            raise UnopenedCapture(WireRefusal.UNREADABLE, str(error)) from None
        if not _is_sealed_for(question, context):
            detail = "sealed for another device, visit, purpose or challenge"
            raise UnopenedCapture(WireRefusal.UNREADABLE, detail)
        age_ms = time.time_ns() // 1_000_000 - context.sealed_at
        if not -AHEAD_MS <= age_ms <= FRESH_MS:
            raise UnopenedCapture(WireRefusal.STALE, "sealed too long ago, or in the future")
        try:
            return context, Burst.decode(capture)
        except MalformedCapture:
            raise UnopenedCapture(WireRefusal.UNUSABLE, Flaw.NOT_A_CAPTURE) from None


def _read(questions: BinaryIO) -> bytes | None:
    """Returns the next question; None when the other end has closed. Of one that is too long the
    end is skipped, so it is no question, and what follows stays in step."""
    with contextlib.suppress(OSError):
        head = questions.read(messages.HEAD.size)
        if len(head) == messages.HEAD.size:
            (length,) = messages.HEAD.unpack(head)
            body = questions.read(min(length, messages.MAX_MESSAGE))
            for begin in range(messages.MAX_MESSAGE, length, messages.MAX_MESSAGE):
                questions.read(min(length - begin, messages.MAX_MESSAGE))
            return body
    return None


class UnopenedCapture(Exception):
    def __init__(self, kind: WireRefusal, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


def _is_sealed_for(question: messages.Examine, context: Context) -> bool:
    return (
        context.device_id == question.device_id
        and question.visit_id in (None, context.visit_id)
        and context.purpose in question.purposes
        and (context.challenge is not None) == (question.challenge is not None)
    )


def _seed(challenge: messages.LightChallenge | None, burst: Burst) -> bytes | None:
    """Returns the seed of the challenge that the burst was taken under; None without a challenge.

    Raises Unusable when the burst does not keep to what the kiosk told of it in time.
    """
    if challenge is None:
        return None
    if not is_bound(burst, challenge.commitment, challenge.answer):
        raise Unusable(Flaw.NOT_LIVE)
    return challenge.seed


if __name__ == "__main__":
    sys.exit(main())
