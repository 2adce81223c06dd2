"""A capture with absurd numbers is refused, and nobody else notices."""

import time
from typing import Any

import cbor2
import pytest

from protocol.envelope import Context, seal
from protocol.messages import Identification, Outcome, Purpose
from tests.support import plain_palms
from tests.support.device import Refused, TestDevice
from tests.support.served import Served

JPEG = bytes(plain_palms.burst("nobody").frames[0].jpeg)
CELLS = bytes(2 * 4 * 4 * 3 * 2)


def frame(at_ms: Any = 0, light: Any = None, jpeg: Any = JPEG) -> list[Any]:
    return [at_ms, jpeg, light]


def coloured(*numbers: Any, spectrum: Any = "colour") -> list[Any]:
    return [*frame(*numbers), spectrum]


NOT_A_NUMBER, ENDLESS = float("nan"), float("inf")
CAPTURES: list[Any] = [
    *([2, None, [frame(at_ms)]] for at_ms in (10**400, -(10**400), 2**63, 2**64 - 1, -1)),
    *([2, None, [frame(at_ms)]] for at_ms in (1e308, NOT_A_NUMBER, ENDLESS, True, "0", None)),
    *([2, "challenge-1", [frame(0, light)]] for light in (5, 10**400, -1, True, 1.5, "0")),
    [10**400, None, [frame()]],
    [2, 10**400, [frame()]],
    [2, None, [frame()] * 1000],
    [2, None, [frame(2), frame(1)]],
    [2, None, [frame(jpeg=10**400)]],
    *([3, None, [coloured()], [at_ms, CELLS]] for at_ms in ([0, 10**400], [0, ENDLESS], [1, 0])),
    [3, None, [coloured()], [[0, 2**62], CELLS]],
    [3, None, [coloured()], [[0, 1], CELLS * 1000]],
    [3, None, [coloured(spectrum=10**400)], None],
    [[[[[[[[[]]]]]]]]],
    {10**400: 10**400},
]
SEALED_AT: list[Any] = [10**400, -1, 2**64 - 1, ENDLESS, NOT_A_NUMBER, True, None]


def sealed(kiosk: TestDevice, capture: Any, *sealed_at: Any) -> bytes:
    when = sealed_at[0] if sealed_at else time.time_ns() // 1_000_000
    context = Context(kiosk.id, "visit-12345678", Purpose.PAY, when)
    return seal(cbor2.dumps(capture, canonical=True), kiosk.info().vault_keys[0], context)


def refused(kiosk: TestDevice, envelope: bytes) -> int:
    with pytest.raises(Refused) as refused:
        kiosk.post("/identifications", envelope, Identification)
    return refused.value.problem.status


def test_absurd_numbers_are_refused_and_every_honest_palm_is_recognised(
    served: Served, kiosk: TestDevice, who: str
):
    vault = served.vault.pid
    honest = served.kiosk()
    honest.sign_up(who)
    statuses: set[int] = set()
    for capture in CAPTURES:
        statuses.add(refused(kiosk, sealed(kiosk, capture)))
        assert honest.identify(who).outcome is Outcome.ACCEPTED
    assert statuses <= {400, 422}
    assert served.vault.pid == vault


@pytest.mark.parametrize("sealed_at", SEALED_AT, ids=str)
def test_an_absurd_time_of_sealing_is_refused(served: Served, kiosk: TestDevice, sealed_at: Any):
    vault = served.vault.pid
    assert refused(kiosk, sealed(kiosk, [2, None, [frame()]], sealed_at)) == 400
    assert served.vault.pid == vault
