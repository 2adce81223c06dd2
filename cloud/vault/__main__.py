"""`python -m cloud.vault --directory DIR --examiner … --scheme … (--channel FD | --socket PATH)`.

Started by the service with one end of a socket pair, or by systemd to listen on a socket; answers
one question after another (`cloud.vault.wire`) until the other end closes.
"""

import argparse
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud import plugins
from cloud.state import StateDamaged
from cloud.vault import keys, wire
from cloud.vault.confine import confine
from cloud.vault.examiner import Examiner, Flaw, Unusable
from cloud.vault.templates import Scheme, Templates
from palm.template.interfaces import Template
from protocol.capture import Burst, MalformedCapture, Spectrum
from protocol.challenge import steps
from protocol.encoding import from_base64
from protocol.envelope import Context, EnvelopeError, PrivateKey, open_envelope
from protocol.messages import Purpose

FRESH_MS = 120_000
"""How old an envelope may be: the time of an upload over a slow line, and its retries."""
AHEAD_MS = 60_000
"""How far in the future a device's clock may put it."""
MAX_PIXELS = 3840 * 2160


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cloud.vault")
    parser.add_argument("--directory", type=Path, required=True, help="where the keys are kept")
    parser.add_argument("--examiner", required=True, help="module:class that looks at frames")
    parser.add_argument(
        "--scheme",
        nargs=2,
        action="append",
        required=True,
        metavar=("SIGNER", "MATCHER"),
        help="module:class of each; the first scheme is the current one, others are still read",
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--channel", type=int, help="descriptor of an open socket")
    where.add_argument("--socket", type=Path, help="socket to make and listen on")
    arguments = parser.parse_args()

    # Ctrl-C at a terminal reaches the whole group; the service ends us by closing our stream.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A picture's size is a claim that costs memory to believe. OpenCV reads this at its first use.
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MAX_PIXELS)
    try:
        streams = _streams(arguments.channel, arguments.socket)
        confine()
        schemes = [Scheme(*map(plugins.make, names)) for names in arguments.scheme]
        vault = _Vault(
            keys.load_or_make(arguments.directory),
            plugins.make(arguments.examiner),
            Templates(arguments.directory, schemes),
        )
    except (StateDamaged, plugins.NoSuchPart, OSError) as error:
        print(f"vault: {error}", file=sys.stderr)  # noqa: T201 - to whoever started it
        return 2
    for stream in streams:
        with stream:
            vault.serve(stream)
    return 0


def _streams(channel: int | None, path: Path | None) -> Iterator[socket.socket]:
    """The one that was inherited, or all that connect to a socket made here and now."""
    if path is None:
        return iter([socket.socket(fileno=channel)])
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o660)
    listener.listen(1)
    return (listener.accept()[0] for _ in iter(int, 1))


class _Vault:
    def __init__(self, private: list[PrivateKey], examiner: Examiner, templates: Templates) -> None:
        self._keys = {key.public.key_id: key for key in private}
        self._examiner = examiner
        self._templates = templates

    def serve(self, stream: socket.socket) -> None:
        with stream.makefile("rb") as questions:
            while head := questions.read(wire.HEAD.size):
                try:
                    (length,) = wire.HEAD.unpack(head)
                    question = wire.unpack(questions.read(min(length, wire.MAX_MESSAGE)))
                    stream.sendall(wire.pack(self._answer(question)))
                except (ValueError, KeyError, OSError):
                    # Out of step, or gone: there is nobody to tell.
                    return

    def _answer(self, question: list[Any]) -> list[Any]:
        templates = self._templates
        match question:
            case ["introduce"]:
                public = [key.public for key in self._keys.values()]
                told = [[k.key_id, k.suite, from_base64(k.public_key)] for k in public]
                return ["vault", told, templates.versions, templates.transform]
            case [
                "examine",
                bytes(envelope),
                str(device_id),
                str() | None as visit_id,
                list(purposes),
                list(versions),
                bytes() | None as seed,
                bool(infrared),
            ]:
                asked = _Asked(device_id, visit_id, purposes, seed is not None, infrared)
                return self._examine(envelope, asked, versions, seed)
            case ["compare", int(version), bytes(probe), list(references)]:
                return ["scores", templates.compare(version, probe, references)]
            case ["code", int(version), list(sealed)]:
                return ["codes", templates.search_codes(version, sealed)]
            case ["protect", int(version), bytes(code), float(quality)]:
                protected = templates.protect(Template(version, code, quality))
                return ["protected", wire.pack_template(protected)]
            case ["rekey"]:
                templates.rekey()
                return ["rekeyed", templates.transform]
            case _:
                raise ValueError("not a question")

    def _examine(
        self, envelope: bytes, asked: "_Asked", versions: list[int], seed: bytes | None
    ) -> list[Any]:
        try:
            context, burst = self._open(envelope, asked)
        except _Refusal as refusal:
            return ["refused", refusal.kind, refusal.detail]
        if asked.infrared and all(f.spectrum is not Spectrum.INFRARED for f in burst.frames):
            burst.wipe()
            return ["refused", wire.WireRefusal.COLOUR_ONLY, "without near infrared"]
        bound = [context.purpose, context.visit_id, context.nonce]
        try:
            if burst.challenge != context.challenge:
                raise Unusable(Flaw.NOT_A_CAPTURE)
            shown = self._examiner.examine(burst, () if seed is None else steps(seed))
        except Unusable as unusable:
            if unusable.flaw is Flaw.NOT_LIVE:
                return ["lifeless", bound]
            return ["refused", wire.WireRefusal.UNUSABLE, unusable.flaw]
        finally:
            burst.wipe()
        extracted = self._templates.extract(shown.palms, versions)
        probes = [wire.pack_probe(each) for each in extracted]
        enrols = context.purpose == Purpose.ENROL
        agreement = self._templates.agreement(shown.palms) if enrols else None
        return ["presentation", shown.side, probes, bound, agreement, shown.score, shown.pulse]

    def _open(self, envelope: bytes, asked: "_Asked") -> tuple[Context, Burst]:
        try:
            context, capture = open_envelope(envelope, self._keys)
        except EnvelopeError as error:
            raise _Refusal(wire.WireRefusal.UNREADABLE, str(error)) from None
        if not asked.fits(context):
            detail = "sealed for another device, visit, purpose or challenge"
            raise _Refusal(wire.WireRefusal.UNREADABLE, detail)
        age_ms = time.time_ns() // 1_000_000 - context.sealed_at
        if not -AHEAD_MS <= age_ms <= FRESH_MS:
            raise _Refusal(wire.WireRefusal.STALE, "sealed too long ago, or in the future")
        try:
            return context, Burst.decode(capture)
        except MalformedCapture:
            raise _Refusal(wire.WireRefusal.UNUSABLE, Flaw.NOT_A_CAPTURE) from None


class _Refusal(Exception):
    def __init__(self, kind: wire.WireRefusal, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an envelope has to have been sealed for."""

    device_id: str
    visit_id: str | None
    purposes: list[str]
    challenged: bool
    infrared: bool

    def fits(self, context: Context) -> bool:
        return (
            context.device_id == self.device_id
            and self.visit_id in (None, context.visit_id)
            and context.purpose in self.purposes
            and (context.challenge is not None) == self.challenged
        )


if __name__ == "__main__":
    sys.exit(main())
