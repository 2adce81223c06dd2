"""`python -m cloud.vault --directory DIR --examiner … --scheme … (--channel FD | --socket PATH)`.

Runs the vault. The service starts it with one end of a socket pair, or systemd starts it to listen
on a socket. It answers one question after another (`cloud.vault.messages`) until the other end
closes.
"""

import argparse
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cloud import plugins
from cloud.state import StateDamaged
from cloud.vault import keys, messages
from cloud.vault.confine import confine
from cloud.vault.examiner import Examiner, Flaw, Unusable
from cloud.vault.messages import WireRefusal
from cloud.vault.templates import Scheme, Templates
from protocol.capture import Burst, MalformedCapture, Spectrum
from protocol.challenge import steps
from protocol.envelope import Context, EnvelopeError, PrivateKey, open_envelope
from protocol.messages import Purpose, Side

FRESH_MS = 120_000
"""How old an envelope may be: an upload over a slow line with its retries takes that long."""
AHEAD_MS = 60_000
"""How far a device's clock may be ahead."""
MAX_PIXELS = 3840 * 2160


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cloud.vault")
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
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--channel", type=int, help="descriptor of an open socket")
    where.add_argument("--socket", type=Path, help="socket to make and listen on")
    arguments = parser.parse_args()

    # Ctrl-C at a terminal reaches this process too; the service ends it by closing its stream.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # OpenCV reads this at its first use, and then refuses images that claim to be larger.
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MAX_PIXELS)
    try:
        streams = _streams(arguments.channel, arguments.socket)
        confine()
        schemes = [Scheme(*map(plugins.make, names)) for names in arguments.scheme]
        vault = Vault(
            keys.load_or_make(arguments.directory),
            plugins.make(arguments.examiner),
            Templates(arguments.directory, schemes),
        )
    except (StateDamaged, plugins.NoSuchPart, OSError) as error:
        print(f"vault: {error}", file=sys.stderr)  # noqa: T201 - for the process that started it
        return 2
    for stream in streams:
        with stream:
            vault.serve(stream)
    return 0


def _streams(channel: int | None, path: Path | None) -> Iterator[socket.socket]:
    """Returns the inherited stream, or one for each connection to a new socket at `path`."""
    if path is None:
        return iter([socket.socket(fileno=channel)])
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o660)
    listener.listen(1)
    return (listener.accept()[0] for _ in iter(int, 1))


class Vault:
    def __init__(self, private: list[PrivateKey], examiner: Examiner, templates: Templates) -> None:
        self._keys = {key.public.key_id: key for key in private}
        self._examiner = examiner
        self._templates = templates

    def serve(self, stream: socket.socket) -> None:
        """Answers questions until the other end closes, or sends something that is no question."""
        with stream.makefile("rb") as questions:
            while head := questions.read(messages.HEAD.size):
                try:
                    (length,) = messages.HEAD.unpack(head)
                    body = questions.read(min(length, messages.MAX_MESSAGE))
                    answer = self._answer(messages.unpack_question(body))
                    stream.sendall(messages.pack(answer))
                except (ValueError, KeyError, OSError):
                    # There is no answer to give, and what follows may be out of step: hang up.
                    return

    def _answer(self, question: messages.Question) -> messages.Answer:
        templates = self._templates
        match question:
            case messages.Introduce():
                keys = [key.public for key in self._keys.values()]
                return messages.Introduction(keys, templates.versions, templates.transform)
            case messages.Examine():
                return self._examine(question)
            case messages.Compare(version, probe, references):
                return messages.Scores(templates.compare(version, probe, references))
            case messages.MakeSearchCodes(version, sealed):
                return messages.SearchCodes(templates.search_codes(version, sealed))
            case messages.Protect(template):
                return messages.Protected(templates.protect(template))
            case messages.Rekey():
                templates.rekey()
                return messages.Rekeyed(templates.transform)

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
            light = () if question.seed is None else steps(question.seed)
            presentation = self._examiner.examine(burst, light)
        except Unusable as unusable:
            if unusable.flaw is Flaw.NOT_LIVE:
                return messages.NotLive(purpose, context.visit_id, context.nonce)
            return messages.CannotExamine(WireRefusal.UNUSABLE, unusable.flaw)
        finally:
            burst.wipe()
        probes = self._templates.extract(presentation.palms, question.versions)
        enrols = purpose is Purpose.ENROL
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
        )

    def _open(self, question: messages.Examine) -> tuple[Context, Burst]:
        try:
            context, capture = open_envelope(question.envelope, self._keys)
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
        and (context.challenge is not None) == (question.seed is not None)
    )


if __name__ == "__main__":
    sys.exit(main())
