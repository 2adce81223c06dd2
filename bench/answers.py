"""Whether the time of an answer tells what the answer itself does not: whose number it knows.

Each question is asked in pairs, once about something that the service knows and once about
something that it does not, in random order. The figures are both medians, the median difference in
a pair, and the chance that somebody who is told two times guesses right which of them is of
something known (the area under the ROC curve; 50 % is a guess).
"""

import secrets
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import numpy.typing as npt
from sqlalchemy import delete

from bench.figure import Figure
from bench.hostile import palm, sign_up
from cloud.portal.asking import SIGN_IN
from cloud.portal.signing_in import CODE
from cloud.settings import Settings
from cloud.web.tables import Tally
from protocol.encoding import to_base64
from protocol.messages import (
    Activation,
    Claim,
    ClaimOpened,
    CodeEntry,
    Device,
    Identification,
    Proof,
    Purpose,
)
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.portal import forms
from tests.support.served import Served

PEOPLE = 4
PAIRS = 200
WARM_UP = 5
"""Pairs at the beginning that are not counted."""
FRESH = 4
"""Pairs that one address and one set of counters serve."""
GUESSED_AT_MOST = 0.6
"""The largest chance to guess right: for equal times and PAIRS pairs, three standard errors above a
guess."""
RESAMPLES = 2000

Seconds = npt.NDArray[np.float64]
Ask = Callable[[bool], float]
"""Asks one question about something known or unknown, and returns the seconds of the answer."""


def measure() -> Iterator[Figure]:
    with TemporaryDirectory() as state, Served(Path(state), Settings()) as served:
        claims = Claims(served)
        yield from _compared("claim by palm", claims.open_by_palm, claims.refresh)
        yield from _compared("claim by code", claims.open_by_code, claims.refresh)
        yield from _compared("wrong code", claims.wrong_code, claims.refresh)
        sign_ins = SignIns(served, claims)
        yield from _compared("portal code", sign_ins.ask_for_code, sign_ins.refresh)
        yield from _compared("portal wrong code", sign_ins.wrong_code, sign_ins.refresh)
        activations = Activations(served)
        # Which names of codes are in use is no secret, so there is no limit to this figure.
        yield from _compared("wrong activation", activations.wrong, activations.refresh, None)
        yield from _compared("wrong palm", claims.wrong_palm, claims.refresh)


@dataclass
class Claims:
    """Claims to numbers with and without an account, at one kiosk."""

    served: Served

    def __post_init__(self) -> None:
        self._kiosk = self.served.kiosk()
        self.known = [fresh_phone() for _ in range(PEOPLE)]
        self.unknown = [fresh_phone() for _ in range(PEOPLE)]
        for seed, phone in enumerate(self.known):
            sign_up(self._kiosk, palm(seed), phone)
        self._wrong = palm(PEOPLE)

    def refresh(self) -> None:
        """Forgets what was counted against the numbers and the kiosk."""

        async def forget() -> None:
            async with self.served.context.database.session() as session:
                await session.execute(delete(Tally))
                await session.commit()

        self.served.do(forget())

    def open_by_palm(self, known: bool) -> float:
        return _timed(lambda: self._open(known, Proof.PALM))

    def open_by_code(self, known: bool) -> float:
        return _timed(lambda: self._open(known, Proof.CODE))

    def wrong_palm(self, known: bool) -> float:
        claim_id = self._open(known, Proof.PALM)
        envelope = self._kiosk.seal(self._wrong, Purpose.LEAVE, claim_id)
        return _timed(
            lambda: self._kiosk.post(f"/claims/{claim_id}/palm", envelope, Identification)
        )

    def wrong_code(self, known: bool) -> float:
        path = f"/claims/{self._open(known, Proof.CODE)}/code"
        # Right once in a million.
        entry = CodeEntry(code="000000")
        return _timed(lambda: self._kiosk.post(path, entry, Identification))

    def _open(self, known: bool, proof: Proof) -> str:
        phone = secrets.choice(self.known if known else self.unknown)
        claim = Claim(phone=phone, proof=proof, purpose=Purpose.LEAVE)
        return self._kiosk.post("/claims", claim, ClaimOpened).claim_id


@dataclass
class SignIns:
    """Sign-ins to the portal with numbers with and without an account."""

    served: Served
    claims: Claims

    def __post_init__(self) -> None:
        self._trusted = ssl.create_default_context(cafile=self.served.state.ca)
        self._addresses = (f"127.2.{high}.{low}" for high in range(256) for low in range(1, 255))
        self._http: httpx.Client | None = None
        self.refresh()

    def refresh(self) -> None:
        """Goes on in a new browser at another address, and forgets what was counted."""
        self.claims.refresh()
        if self._http is not None:
            self._http.close()
        address = next(self._addresses)
        transport = httpx.HTTPTransport(verify=self._trusted, local_address=address)
        self._http = httpx.Client(transport=transport, base_url=self.served.url)
        self._form = forms(self._http.get(SIGN_IN))[SIGN_IN].fields

    def ask_for_code(self, known: bool) -> float:
        phone = secrets.choice(self.claims.known if known else self.claims.unknown)
        return _timed(lambda: self._post(SIGN_IN, 303, phone=phone))

    def wrong_code(self, known: bool) -> float:
        self.ask_for_code(known)
        # Right once in a million.
        return _timed(lambda: self._post(CODE, 403, code="000000"))

    def _post(self, path: str, status: int, **typed: str) -> None:
        assert self._http is not None
        answer = self._http.post(path, data={**self._form, **typed})
        assert answer.status_code == status, answer.text


@dataclass
class Activations:
    """Wrong activation codes, whose first three digits name a code that exists or none."""

    served: Served

    def __post_init__(self) -> None:
        self._addresses = (f"127.1.{high}.{low}" for high in range(256) for low in range(1, 255))
        self.refresh()

    def refresh(self) -> None:
        """Goes on at another address with other codes."""
        self._device: TestDevice = self.served.device(next(self._addresses))
        self._device.info()
        self._code = self.served.activation_code()

    def wrong(self, known: bool) -> float:
        name, secret = self._code[:3], int(self._code[3:])
        if not known:
            name = f"{(int(name) + 500) % 1000:03d}"
        entered = f"{name}{(secret + 1) % 10**5:05d}"
        key = to_base64(self._device.key.public_key().public_bytes_raw())
        activation = Activation(
            activation_code=entered, public_key=key, name="Till 3", infrared=False
        )
        return _timed(lambda: self._device.post("/devices", activation, Device))


def _timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    try:
        ask()
    except Refused as refused:
        if refused.problem.retry_after is not None:
            raise  # A limit was reached, which says nothing about the question.
    return time.perf_counter() - began


def _compared(
    name: str,
    ask: Ask,
    refresh: Callable[[], None],
    at_most: float | None = 100 * GUESSED_AT_MOST,
) -> Iterator[Figure]:
    rng = np.random.default_rng(0)
    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(WARM_UP + PAIRS):
        if number % FRESH == 0:
            refresh()
        for known in rng.permutation([True, False]):
            taken[bool(known)].append(1000 * ask(bool(known)))
    known, unknown = (np.array(taken[which][WARM_UP:]) for which in (True, False))
    # The load of the machine is the same for both of a pair.
    differences = 1000 * (known - unknown)
    resampled = np.median(differences[rng.integers(0, PAIRS, (RESAMPLES, PAIRS))], axis=1)
    low, high = np.percentile(resampled, [2.5, 97.5])
    area = _area(known, unknown)
    how = f"{PAIRS} pairs in random order, service on loopback"
    yield Figure(f"{name}, known, median", float(np.median(known)), "ms", how)
    yield Figure("  unknown", float(np.median(unknown)), "ms", how)
    yield Figure(
        "  difference in a pair, median",
        float(np.median(differences)),
        "us",
        f"95 % interval {low:.0f} to {high:.0f}",
    )
    yield Figure(
        "  guessed right by the time",
        100 * max(area, 1 - area),
        "%",
        f"known takes longer in {100 * area:.1f} % of all pairs",
        at_most,
    )


def _area(known: Seconds, unknown: Seconds) -> float:
    """Returns the share of pairs in which the known one takes longer, ties counted half."""
    longer = known[:, None] > unknown
    equal = known[:, None] == unknown
    return float(np.mean(longer + 0.5 * equal))
