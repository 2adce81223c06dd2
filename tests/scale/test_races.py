"""What two services over one database are asked at the same moment has the outcome that one
service gives it."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event
from typing import Any

from sqlalchemy import text

from cloud.keys.persons import erase_person
from cloud.policy import CODE_ATTEMPTS, Limits
from protocol.encoding import to_base64
from protocol.messages import (
    Account,
    Commitment,
    DeletionReceipt,
    DeletionRequest,
    LastFour,
    Message,
    Outcome,
    ProblemType,
    Purchase,
    Purpose,
)
from tests.cloud.payments.test_purchases import (
    test_the_same_purchase_sent_many_times_at_once_charges_once,
)
from tests.cloud.payments.test_refunds import (
    test_refunds_at_once_do_not_exceed_the_purchase_together,
    test_the_same_refund_sent_many_times_at_once_is_given_once,
)
from tests.cloud.people.test_begun import (
    beginning,
    test_of_two_kiosks_at_the_same_moment_one_goes_on,
)
from tests.cloud.people.test_enrolments import ready_enrolment
from tests.cloud.recognition.test_challenges import (
    test_one_of_two_simultaneous_answers_is_taken,
    test_one_of_two_simultaneous_bursts_uses_the_challenge,
)
from tests.support.books import charged
from tests.support.device import Refused, TestDevice, fresh_phone, refusal
from tests.support.pair import Pair
from tests.support.served import Served

__all__ = [
    "beginning",
    "test_of_two_kiosks_at_the_same_moment_one_goes_on",
    "test_one_of_two_simultaneous_answers_is_taken",
    "test_one_of_two_simultaneous_bursts_uses_the_challenge",
    "test_refunds_at_once_do_not_exceed_the_purchase_together",
    "test_the_same_purchase_sent_many_times_at_once_charges_once",
    "test_the_same_refund_sent_many_times_at_once_is_given_once",
]

AT_ONCE = 6


def outcomes(asks: list[Callable[[], object]]) -> Counter[object]:
    """Asks all at the same moment. Returns how often each was refused for what, None for an
    answer."""
    begin = Barrier(len(asks))

    def ask(how: Callable[[], object]) -> object:
        begin.wait()
        try:
            how()
        except Refused as refused:
            return refused.problem.type.name.lower()
        return None

    with ThreadPoolExecutor(len(asks)) as pool:
        return Counter(pool.map(ask, asks))


class SearchedByAll:
    """A gallery whose first search is answered only when both services have searched."""

    def __init__(self, gallery: Any, asked: Barrier) -> None:
        self._gallery = gallery
        self._asked = asked
        self._is_first = True

    def __len__(self) -> int:
        return len(self._gallery)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gallery, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            setattr(self._gallery, name, value)

    async def search(self, *arguments: Any) -> Any:
        found = await self._gallery.search(*arguments)
        if self._is_first:
            self._is_first = False
            await asyncio.to_thread(self._asked.wait)
        return found


@contextmanager
def both_search(served: Pair) -> Generator[None]:
    """Has each service search before either of them stores what follows from it."""
    asked = Barrier(2)
    contexts = served.context, served.second.context
    galleries = [context.gallery for context in contexts]
    for context in contexts:
        context.gallery = SearchedByAll(context.gallery, asked)  # pyright: ignore
    try:
        yield
    finally:
        for context, gallery in zip(contexts, galleries, strict=True):
            context.gallery = gallery


def completing(kiosk: TestDevice, enrolment_id: str) -> Callable[[], object]:
    return lambda: kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)


def test_one_palm_in_enrolments_that_both_complete_gets_one_account(served: Pair, who: str):
    kiosks = [served.kiosk() for _ in range(2)]
    asks = [completing(kiosk, ready_enrolment(kiosk, who)) for kiosk in kiosks]
    with both_search(served):
        assert outcomes(asks) == {None: 1, "palm_known": 1}


def test_one_number_in_enrolments_that_both_complete_gets_one_account(served: Pair, who: str):
    phone = fresh_phone()
    kiosks = [served.kiosk() for _ in range(2)]
    asks = [
        completing(kiosk, ready_enrolment(kiosk, f"{who} {number}", phone))
        for number, kiosk in enumerate(kiosks)
    ]
    with both_search(served):
        assert outcomes(asks) == {None: 1, "conflict": 1}


def test_an_enrolment_that_both_complete_becomes_one_account(
    served: Pair, kiosk: TestDevice, who: str
):
    enrolment_id = ready_enrolment(kiosk, who)
    with both_search(served):
        asked = outcomes([completing(kiosk, enrolment_id)] * 2)
    assert asked == {None: 1, "not_found": 1}


def test_different_palms_that_both_complete_all_get_their_accounts(served: Pair, who: str):
    kiosks = [served.kiosk() for _ in range(4)]
    asks = [
        completing(kiosk, ready_enrolment(kiosk, f"{who} {number}"))
        for number, kiosk in enumerate(kiosks)
    ]
    assert outcomes(asks) == {None: 4}
    for number, kiosk in enumerate(kiosks):
        assert kiosk.identify(f"{who} {number}").outcome is Outcome.ACCEPTED


def test_no_more_is_let_through_than_a_limit_allows(served: Pair, kiosk: TestDevice):
    limit = Limits.CHALLENGES_BY_DEVICE
    served.tally(limit, kiosk.id, limit.count - 2)
    commitment = Commitment(commitment=to_base64(bytes(32)))

    def ask() -> None:
        answer = kiosk.send("POST", "/challenges", commitment.model_dump_json().encode())
        if answer.is_error:
            raise Refused(answer)

    assert outcomes([ask] * AT_ONCE) == {None: 2, "too_many_attempts": AT_ONCE - 2}


def test_a_code_is_guessed_as_often_as_it_allows(kiosk: TestDevice):
    phone = fresh_phone()
    enrolment_id = kiosk.begin_enrolment(phone).enrolment_id
    right = int(kiosk.last_one_time_code(phone))

    def guess(number: int) -> Callable[[], object]:
        body = f'{{"code": "{(right + number) % 10**6:06d}"}}'.encode()
        return lambda: must(kiosk, f"/enrolments/{enrolment_id}/code", body)

    asked = outcomes([guess(number + 1) for number in range(CODE_ATTEMPTS + 2)])
    assert asked == {"wrong_code": CODE_ATTEMPTS, "too_many_attempts": 2}


def must(kiosk: TestDevice, path: str, body: bytes) -> None:
    answer = kiosk.send("POST", path, body)
    if answer.is_error:
        raise Refused(answer)


def test_digits_are_tried_as_often_as_they_may(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    found = kiosk.identify(who, likeness=0.35)
    assert found.outcome is Outcome.STEP_UP
    wrong = LastFour(phone_last4=f"{(int(phone[-4:]) + 1) % 10**4:04d}").model_dump_json().encode()
    path = f"/identifications/{found.identification_id}/step-up"
    asked = outcomes([lambda: must(kiosk, path, wrong)] * AT_ONCE)
    assert asked["step_up_failed"] == found.attempts_left
    assert asked.total() == AT_ONCE
    assert asked[None] == 0


def test_digits_that_meet_a_deletion_are_refused(served: Pair, kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    person_id = served.person_id(phone)
    found = kiosk.identify(who, likeness=0.35)
    assert found.outcome is Outcome.STEP_UP
    digits = LastFour(phone_last4=phone[-4:]).model_dump_json().encode()
    path = f"/identifications/{found.identification_id}/step-up"

    begun, answered = Event(), Event()
    waiting = text(
        "SELECT count(*) FROM pg_locks "
        "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )

    async def delete() -> bool:
        """Returns whether the digits have come before it was done."""
        async with served.database.session() as session:
            await erase_person(session, person_id)
            begun.set()
            while not answered.is_set():
                if await session.scalar(waiting):
                    await session.commit()
                    return True
            return False

    deletion = served.start(delete())
    begun.wait()
    try:
        answer = kiosk.send("POST", path, digits)
    finally:
        answered.set()
    assert deletion.result()
    assert refusal(answer).type is ProblemType.STEP_UP_FAILED


def test_an_activation_code_activates_one_device(served: Pair):
    code = served.activation_code()
    devices = [served.device() for _ in range(AT_ONCE)]
    asked = outcomes([lambda device=device: device.activate(code) for device in devices])
    assert asked == {None: 1, "wrong_activation_code": AT_ONCE - 1}


def test_an_identification_pays_once(served: Pair, kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    found = kiosk.recognised(who)
    before = charged(served)
    sales: list[Message] = [kiosk.sale(found) for _ in range(4)]
    asked = outcomes([lambda sale=sale: kiosk.post("/purchases", sale, Purchase) for sale in sales])
    assert asked == {None: 1, "not_accepted": 3}
    assert charged(served) == before + 1


def test_a_person_is_deleted_once_and_buys_nothing_afterwards(
    served: Pair, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    before = charged(served)
    buys = kiosk.recognised(who)
    leaves = [kiosk.recognised(who, Purpose.LEAVE) for _ in range(2)]
    asked = outcomes(
        [
            *(lambda id_=id_: leave(kiosk, id_) for id_ in leaves),
            lambda: kiosk.post("/purchases", kiosk.sale(buys), Purchase),
        ]
    )
    bought = charged(served) - before
    # Whoever leaves while a payment is completed is asked to wait.
    assert asked[None] + asked["conflict"] + asked["not_found"] == 3
    assert bought in (0, 1)


def leave(kiosk: TestDevice, identification_id: str) -> DeletionReceipt:
    request = DeletionRequest(identification_id=identification_id)
    return kiosk.post("/deletions", request, DeletionReceipt)


def test_a_request_that_is_in_progress_elsewhere_is_told_so_and_answered_afterwards(served: Pair):
    kiosk, key = Served.device(served), secrets.token_urlsafe(16)
    kiosk.activate(served.activation_code())
    body = Commitment(commitment=to_base64(bytes(32))).model_dump_json().encode()
    elsewhere = served.second.context.database.turn("request", kiosk.id, key)
    served.second.do(elsewhere.__aenter__())
    told = kiosk.send("POST", "/challenges", body, key=key)
    served.second.do(elsewhere.__aexit__(None, None, None))
    assert refusal(told).type is ProblemType.BUSY
    assert told.headers["retry-after"] == "1"
    answers = [kiosk.send("POST", "/challenges", body, key=key) for _ in range(2)]
    assert answers[0].status_code == 200
    assert answers[0].text == answers[1].text


def test_both_know_who_has_joined_through_the_other(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    assert [kiosk.identify(who).outcome for _ in range(2)] == [Outcome.ACCEPTED] * 2
