"""A full disk: nothing is lost, and people can still have their data deleted."""

import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import cast

import pytest

from cloud.db.sqlite import SqliteDatabase
from cloud.jobs.housekeeping import tidy_up
from cloud.people.deletions import remains_of
from cloud.recognition import identifications
from cloud.settings import Settings
from cloud.web.tables import StoredAnswer
from protocol.messages import (
    Challenge,
    Claim,
    ClaimOpened,
    CodeEntry,
    Commitment,
    DeletionReceipt,
    DeletionRequest,
    Holdings,
    Identification,
    LastFour,
    Outcome,
    ProblemType,
    Proof,
    Purchase,
    Purpose,
)
from protocol.storage import StorageFault
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.plain_palms import burst
from tests.support.served import PLAIN, Process, Served

pytestmark = pytest.mark.sqlite

MAX_PAGES = 352
DIGEST = "A" * 43 + "="


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(recognition=PLAIN, max_pages=MAX_PAGES)
    with Served(tmp_path_factory.mktemp("small"), settings) as served:
        yield served


@pytest.fixture
def served(small: Served) -> Iterator[Served]:
    """A service whose database has a limit, with room again after each test."""
    yield small
    with closing(sqlite3.connect(small.state.database, timeout=60)) as database:
        database.execute("DROP TABLE IF EXISTS filler")
        database.commit()
    small.do(tidy_up(small.context))


@pytest.fixture
def phone(kiosk: TestDevice, who: str) -> str:
    """The number of `who`, who has an account and a purchase."""
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    return phone


def fill(served: Served) -> None:
    """Fills the database to its limit. What pages there are may still have room for a few rows."""
    with closing(sqlite3.connect(served.state.database, timeout=60)) as database:
        database.execute("CREATE TABLE filler (bytes)")
        while database.execute("PRAGMA page_count").fetchone()[0] < MAX_PAGES:
            database.execute("INSERT INTO filler VALUES (zeroblob(4000))")
        while database.execute("PRAGMA freelist_count").fetchone()[0]:
            database.execute("INSERT INTO filler VALUES (zeroblob(4000))")
        database.commit()


def use_up_the_rest(served: Served) -> None:
    """Has strangers try to leave until their requests need the reserve."""
    kiosk = served.kiosk()
    fill(served)
    for _ in range(100):
        if served.database.is_for_deletions_only:
            return
        kiosk.identify("a stranger", Purpose.LEAVE)
    raise AssertionError("there was room for everything")


def sign_up_many(kiosk: TestDevice) -> None:
    for _ in range(100):
        kiosk.begin_enrolment(fresh_phone())


# The ways to leave


def by_palm(kiosk: TestDevice, who: str, phone: str) -> Identification:
    return kiosk.identify(who, Purpose.LEAVE)


def by_palm_and_digits(kiosk: TestDevice, who: str, phone: str) -> Identification:
    found = kiosk.identify(who, Purpose.LEAVE, likeness=0.35)
    path = f"/identifications/{found.identification_id}/step-up"
    return kiosk.post(path, LastFour(phone_last4=phone[-4:]), Identification)


def by_palm_in_the_light(kiosk: TestDevice, who: str, phone: str) -> Identification:
    shown = kiosk.lit(lambda challenge: burst(who, challenge=challenge))
    envelope = kiosk.seal(shown, Purpose.LEAVE, secrets.token_urlsafe(12))
    return kiosk.post("/identifications", envelope, Identification)


def by_number_and_code(kiosk: TestDevice, who: str, phone: str) -> Identification:
    claim = Claim(phone=phone, proof=Proof.CODE, purpose=Purpose.LEAVE)
    opened = kiosk.post("/claims", claim, ClaimOpened)
    entry = CodeEntry(code=kiosk.last_one_time_code(phone))
    return kiosk.post(f"/claims/{opened.claim_id}/code", entry, Identification)


def by_number_and_palm(kiosk: TestDevice, who: str, phone: str) -> Identification:
    claim = Claim(phone=phone, proof=Proof.PALM, purpose=Purpose.LEAVE)
    opened = kiosk.post("/claims", claim, ClaimOpened)
    envelope = kiosk.seal(burst(who), Purpose.LEAVE, opened.claim_id)
    return kiosk.post(f"/claims/{opened.claim_id}/palm", envelope, Identification)


def leave(kiosk: TestDevice, found: Identification) -> DeletionReceipt:
    assert found.outcome is Outcome.ACCEPTED
    path = f"/identifications/{found.identification_id}/holdings"
    assert kiosk.get(path, Holdings).purchases == 1
    request = DeletionRequest(identification_id=found.identification_id)
    return kiosk.post("/deletions", request, DeletionReceipt)


@pytest.mark.parametrize(
    "way",
    [by_palm, by_palm_and_digits, by_palm_in_the_light, by_number_and_code, by_number_and_palm],
)
def test_on_a_full_disk_people_leave_in_every_way_and_nothing_of_them_remains(
    served: Served,
    kiosk: TestDevice,
    phone: str,
    way: Callable[[TestDevice, str, str], Identification],
    request: pytest.FixtureRequest,
):
    use_up_the_rest(served)
    receipt = leave(kiosk, way(kiosk, request.node.name, phone))
    found = served.do(remains_of(receipt.receipt_id, served.state, served.database))
    assert [each for each in found if "the payment provider" not in each] == []


def test_a_sign_up_that_was_begun_can_be_given_up_on_a_full_disk(served: Served, kiosk: TestDevice):
    enrolment_id = kiosk.verified_enrolment()
    use_up_the_rest(served)
    assert kiosk.send("DELETE", f"/enrolments/{enrolment_id}").status_code == 204


# What is refused meanwhile


def challenge_for(purpose: Purpose) -> Callable[[TestDevice, str], object]:
    told = Commitment(commitment=DIGEST, purpose=purpose)
    return lambda kiosk, _: kiosk.post("/challenges", told, Challenge)


def claim_to_pay(kiosk: TestDevice, _: str) -> object:
    claim = Claim(phone=fresh_phone(), proof=Proof.PALM, purpose=Purpose.PAY)
    return kiosk.post("/claims", claim, ClaimOpened)


@pytest.mark.parametrize(
    "ask",
    [
        lambda kiosk, _: kiosk.begin_enrolment(fresh_phone()),
        lambda kiosk, _: kiosk.identify("anybody", Purpose.PAY),
        lambda kiosk, identified: kiosk.post("/purchases", kiosk.sale(identified), Purchase),
        claim_to_pay,
        challenge_for(Purpose.PAY),
        challenge_for(Purpose.ENROL),
    ],
    ids=["sign up", "palm to pay", "purchase", "number to pay", "light to pay", "light to sign up"],
)
def test_what_the_reserve_has_left_is_for_deletions_only(
    served: Served, kiosk: TestDevice, who: str, ask: Callable[[TestDevice, str], object]
):
    kiosk.sign_up(who)
    identified = kiosk.recognised(who)
    use_up_the_rest(served)
    with pytest.raises(Refused) as refused:
        ask(kiosk, identified)
    problem = refused.value.problem
    assert (problem.type, problem.status) == (ProblemType.STORAGE_FULL, 507)
    assert problem.storage is StorageFault.FULL
    assert "only deletions" in problem.detail
    assert kiosk.info().storage is StorageFault.FULL


def test_what_watches_the_service_is_told_and_still_sends_people_there(served: Served):
    use_up_the_rest(served)
    ready = served.device().http.get("/readyz")
    assert (ready.status_code, ready.json()["database"]) == (200, "deletions_only")


def test_a_kiosk_that_does_not_tell_what_a_palm_is_for_gets_a_light_challenge(
    served: Served, kiosk: TestDevice
):
    use_up_the_rest(served)
    assert kiosk.post("/challenges", Commitment(commitment=DIGEST), Challenge).seed


def test_a_sign_up_does_not_let_the_reserve_go(served: Served, kiosk: TestDevice):
    fill(served)
    with pytest.raises(Refused) as refused:
        sign_up_many(kiosk)
    assert refused.value.problem.type is ProblemType.STORAGE_FULL
    assert not served.database.is_for_deletions_only


def test_once_there_is_room_the_reserve_is_made_again_and_everything_is_accepted(
    served: Served, kiosk: TestDevice, who: str
):
    use_up_the_rest(served)
    served.do(tidy_up(served.context))
    assert served.database.is_for_deletions_only, "there is no room yet"
    with closing(sqlite3.connect(served.state.database, timeout=60)) as database:
        database.execute("DROP TABLE filler")
        database.commit()
    served.do(tidy_up(served.context))
    assert not served.database.is_for_deletions_only
    assert kiosk.info().storage is None
    kiosk.sign_up(who)


# Requests that fail half way


def full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


def test_a_request_that_fails_after_its_nonce_was_stored_is_answered_from_the_reserve(
    kiosk: TestDevice, who: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    kiosk.sign_up(who)
    real, calls = identifications.attempts_left, 0

    async def fail_once(*arguments: object) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise full()
        return await real(*arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(identifications, "attempts_left", fail_once)
    assert kiosk.identify(who, Purpose.LEAVE).outcome is Outcome.ACCEPTED
    assert calls == 2
    assert "Deletions are served from the reserve" in caplog.text


def test_a_request_to_pay_that_fails_half_way_is_refused(
    served: Served, kiosk: TestDevice, monkeypatch: pytest.MonkeyPatch
):
    async def fail(*_: object) -> int:
        raise full()

    monkeypatch.setattr(identifications, "attempts_left", fail)
    with pytest.raises(Refused) as refused:
        kiosk.identify("anybody")
    assert refused.value.problem.type is ProblemType.STORAGE_FULL
    assert not served.database.is_for_deletions_only


def test_a_deletion_is_answered_although_the_log_of_the_database_cannot_be_emptied_yet(
    served: Served, kiosk: TestDevice, phone: str, who: str, monkeypatch: pytest.MonkeyPatch
):
    person_id = served.person_id(phone).encode()
    log = served.state.database.with_name("palms.db-wal")
    store = cast(SqliteDatabase, served.database)
    ask = store._ask  # pyright: ignore[reportPrivateUsage]
    found = by_palm(kiosk, who, phone)

    async def fail(pragma: str) -> object:
        if "checkpoint" in pragma:
            raise full()
        return await ask(pragma)

    with monkeypatch.context() as patched:
        patched.setattr(store, "_ask", fail)
        receipt = leave(kiosk, found)
    assert person_id in log.read_bytes()
    served.do(tidy_up(served.context))
    assert person_id not in log.read_bytes()
    assert receipt.signature
    answers = served.count(StoredAnswer)
    assert answers, "the answer is stored for a repeated request"


# A disk that is really full


CHILD = "import sys, tests.cloud.test_full_disk as test; test.leave_on_a_full_disk(sys.argv[1])"


def leave_on_a_full_disk(mount: str) -> None:
    """Runs in a process of its own, whose `mount` is a small file system. Asserts what a person
    meets there."""
    root, filler = Path(mount) / "state", Path(mount) / "filler"

    def fill_up() -> None:
        with filler.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    with Process(root) as process:
        kiosk = process.kiosk()
        for who in ("alex", "robin", "sam"):
            kiosk.sign_up(who)
            kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
        fill_up()
        with pytest.raises(Refused) as refused:
            sign_up_many(kiosk)
        assert refused.value.problem.status == 507
        assert leave(kiosk, by_palm(kiosk, "alex", "")).erased
        process.kill()
    filler.unlink()
    with Process(root) as process:
        process.follow(kiosk)
        assert kiosk.identify("sam").outcome is Outcome.ACCEPTED
        fill_up()
        process.kill()
    with Process(root, settings=None) as process:
        process.follow(kiosk)
        assert leave(kiosk, by_palm(kiosk, "robin", "")).erased


@pytest.mark.process
def test_on_a_real_full_disk_people_leave_also_after_a_restart(tmp_path: Path):
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let a test mount a file system of its own")
    mount = f"mount -t tmpfs -o size=16m tmpfs {tmp_path} && exec {sys.executable} -c '{CHILD}'"
    done = subprocess.run(
        [*namespace, "sh", "-c", f"{mount} {tmp_path}"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
