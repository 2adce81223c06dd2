"""Simulated kiosks without a window: `python -m stack.kiosks --state DIR --url URL --ca FILE
--phone URL … --code CODE …`, one for each activation code.

Each has a drawn person before it, who signs up unless the service knows them, and shows their palm
again and again. It asks the service by the client of real kiosks. On standard output it tells what
became of a palm when that is something else than before.
"""

# ruff: noqa: T201 - it answers on standard output

import argparse
import asyncio
import logging
import secrets
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import cv2
import numpy as np

from drawn import Presentation, draw, identity
from kiosk.clock import SystemClock
from kiosk.sealing import open_state
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceError
from kiosk.service.identity import Identity
from kiosk.settings import ServicePatience
from palm.hand import landmarks
from protocol.capture import Burst, Frame
from protocol.documents import digest_of
from protocol.messages import (
    Account,
    CardToken,
    Consent,
    Identification,
    Outcome,
    Purpose,
    Side,
    Signature,
)
from stack.phones import Phones

PACE_S = 10.0
"""The seconds between two palms at a kiosk: the service looks for 120 in ten minutes."""
PICTURES = 3
SQUARE = slice(280, 1000)
"""What is cut out of a picture 1280 pixels wide."""


class Visitor:
    """Somebody before a kiosk: `show` returns the pictures of their left palm, and `phone` is their
    number."""

    def __init__(
        self, service: SignatureService, phones: Phones, show: Callable[[], Burst], phone: str
    ) -> None:
        self._service = service
        self._phones = phones
        self._show = show
        self._phone = phone

    async def identify(self) -> Identification:
        """Raises ServiceError."""
        visit_id = secrets.token_urlsafe(12)
        return await self._service.identify(await self._palm(), Purpose.PAY, visit_id)

    async def sign_up(self) -> Account:
        """Raises ServiceError."""
        service = self._service
        texts = await service.consent_texts()
        consent = Consent(
            texts=[digest_of(text) for text in texts],
            agreed_at=service.now(),
            signature=Signature.HELD if any(text.release for text in texts) else None,
        )
        enrolment_id = (await service.enrol(self._phone, consent)).enrolment_id
        texted = await self._phones.unread()
        code = [text.code for text in texted if text.to == self._phone and text.code][-1]
        await service.enter_code(enrolment_id, code)
        await service.add_card(enrolment_id, CardToken(token="tok_visa", holder="Drawn Person"))  # noqa: S106
        await service.add_palm(enrolment_id, await self._palm(), Side.LEFT)
        return await service.complete(enrolment_id)

    async def _palm(self) -> Burst:
        return await asyncio.to_thread(self._show)


def drawn_palm(seed: int, rng: np.random.Generator) -> Burst:
    """Returns pictures of the left palm of a drawn person, which is held a little otherwise each
    time."""
    palm = identity(seed, landmarks.Side.LEFT)
    held = Presentation(span=rng.uniform(0.42, 0.48), turn=rng.normal(0, 3))
    frames: list[Frame] = []
    for number in range(PICTURES):
        picture = draw(palm, held, rng).image[:, SQUARE]
        jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        frames.append(Frame(33 * number, bytearray(jpeg.tobytes())))
    return Burst(frames)


async def _visit(visitor: Visitor) -> str:
    """Returns what became of a palm, in words."""
    try:
        found = await visitor.identify()
        if found.outcome not in (Outcome.REFUSED, Outcome.ASK_AGAIN):
            return f"a palm is {found.outcome}"
        await visitor.sign_up()
    except ServiceError as error:
        return f"{type(error).__name__}: {error}"
    return "somebody has signed up"


def _identity(folder: Path) -> Identity:
    """Returns the identity of a kiosk, which is made the first time."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Identity.load_or_make(open_state(folder, "none:").files / "identity.json")


async def _keep(number: int, arguments: argparse.Namespace) -> None:
    """Runs one kiosk for ever."""
    known = _identity(arguments.state / str(number))
    service = SignatureService(known, SystemClock(), ServicePatience())
    await service.connect(arguments.url, arguments.ca)
    if known.device is None:
        await service.activate(arguments.code[number], f"Simulated kiosk {number + 1}")
    phones = Phones(arguments.phone, arguments.ca)
    show = partial(drawn_palm, number, np.random.default_rng())
    visitor = Visitor(service, phones, show, f"+1415200{number:04d}")
    told = ""
    for visit in count(1):
        became = await _visit(visitor)
        if became != told:
            print(f"kiosk {number + 1}, visit {visit}: {became}", flush=True)
            told = became
        await asyncio.sleep(PACE_S)


async def _run(arguments: argparse.Namespace) -> None:
    async with asyncio.TaskGroup() as kiosks:
        for number in range(len(arguments.code)):
            kiosks.create_task(_keep(number, arguments))


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m stack.kiosks")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--ca", type=Path, required=True)
    parser.add_argument("--phone", action="append", required=True)
    parser.add_argument("--code", action="append", required=True)
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_run(parser.parse_args(words)))


if __name__ == "__main__":
    main(sys.argv[1:])
