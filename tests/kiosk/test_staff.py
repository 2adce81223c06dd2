import json
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.staff import FIRST_LOCK, GUESSES, LONGEST_LOCK, StaffPin
from tests.support.clocks import TurnedClock
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio

PIN = "246810"


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
async def pin(tmp_path: Path, clock: TurnedClock) -> StaffPin:
    pin = StaffPin(sealed(tmp_path / "staff.json"), clock.wall)
    await pin.choose(PIN)
    return pin


async def lock(pin: StaffPin) -> int:
    """Makes wrong guesses until the PIN is locked. Returns for how many seconds it is."""
    for _ in range(GUESSES):
        refusal = await pin.refuses("000000")
    assert refusal
    return refusal.locked_for


async def test_no_pin_is_chosen_at_first(tmp_path: Path, clock: TurnedClock) -> None:
    assert not StaffPin(sealed(tmp_path / "staff.json"), clock.wall).chosen


@pytest.mark.parametrize("poor", ["", "12345", "abcdef", "1" * 13, "12345 "])
async def test_a_pin_is_six_to_twelve_digits(pin: StaffPin, poor: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        await pin.choose(poor)


# fmt: off
EASY = [
    "000000", "111111", "777777", "123456", "234567", "012345", "890123", "654321", "987654",
    "321098", "135791", "121212", "131313", "123123", "159159", "112233", "998877", "102030",
    "010203", "142536", "123321", "789456", "456123", "147258", "147852", "159753", "258369",
    "369258", "123789", "111222", "12345678", "87654321", "11223344", "12341234",
    "123456789012", "000000000000",
]
# fmt: on
HARD = ["246810", "482915", "390217", "739182", "314159", "20260131", "4829153706"]


@pytest.mark.parametrize("easy", EASY)
async def test_a_pin_that_is_easy_to_guess_is_not_taken(pin: StaffPin, easy: str) -> None:
    assert not pin.acceptable(easy)
    with pytest.raises(ValueError, match="easy to guess"):
        await pin.choose(easy)
    assert await pin.refuses(PIN) is None


@pytest.mark.parametrize("hard", HARD)
async def test_a_pin_without_a_pattern_is_taken(pin: StaffPin, hard: str) -> None:
    await pin.choose(hard)
    assert await pin.refuses(hard) is None


async def test_the_right_pin_opens(pin: StaffPin) -> None:
    assert await pin.refuses(PIN) is None


async def test_the_pin_is_kept_as_a_hash_that_only_its_owner_reads(
    pin: StaffPin, tmp_path: Path
) -> None:
    kept = sealed(tmp_path / "staff.json")
    content = kept.read() or b""
    assert b"$argon2id$" in content
    assert PIN.encode() not in content
    assert kept.is_sealed()
    assert kept.path.stat().st_mode & 0o077 == 0


async def test_a_wrong_guess_counts_down(pin: StaffPin) -> None:
    refusal = await pin.refuses("000000")
    assert refusal
    assert (refusal.guesses_left, refusal.locked_for) == (GUESSES - 1, 0)


async def test_enough_wrong_guesses_lock_even_the_right_pin_out(pin: StaffPin) -> None:
    assert await lock(pin) == FIRST_LOCK.total_seconds()
    refusal = await pin.refuses(PIN)
    assert refusal
    assert refusal.locked_for > 0


async def test_the_lock_opens_when_its_time_is_over(pin: StaffPin, clock: TurnedClock) -> None:
    await clock.turn(await lock(pin))
    assert pin.locked() is None
    assert await pin.refuses(PIN) is None


async def test_every_further_guess_locks_for_twice_as_long(
    pin: StaffPin, clock: TurnedClock
) -> None:
    locked = [await lock(pin)]
    for _ in range(2):
        await clock.turn(locked[-1])
        refusal = await pin.refuses("000000")
        assert refusal
        locked.append(refusal.locked_for)
    assert locked == [30, 60, 120]


async def test_nobody_can_lock_staff_out_for_longer_than_minutes(
    pin: StaffPin, clock: TurnedClock
) -> None:
    for _ in range(100):
        refusal = await pin.refuses("000000")
        assert refusal
        assert refusal.locked_for <= 5 * 60
        await clock.turn(refusal.locked_for)
    assert await pin.refuses(PIN) is None


async def test_a_new_pin_ends_a_lock(pin: StaffPin) -> None:
    await lock(pin)
    await pin.choose("739182")
    assert pin.locked() is None
    assert await pin.refuses("739182") is None


async def test_no_lock_is_longer_than_the_longest(pin: StaffPin, tmp_path: Path) -> None:
    file = sealed(tmp_path / "staff.json")
    kept = json.loads(file.read() or b"")
    file.write(json.dumps({**kept, "wrong": 10_000}).encode())
    refusal = await pin.refuses("000000")
    assert refusal
    assert refusal.locked_for == LONGEST_LOCK.total_seconds()


async def test_the_lock_survives_a_restart(
    pin: StaffPin, tmp_path: Path, clock: TurnedClock
) -> None:
    await lock(pin)
    again = StaffPin(sealed(tmp_path / "staff.json"), clock.wall)
    refusal = again.locked()
    assert refusal
    assert refusal.locked_for == FIRST_LOCK.total_seconds()


async def test_a_clock_set_back_locks_for_no_longer(pin: StaffPin, clock: TurnedClock) -> None:
    await lock(pin)
    clock.set_off_by = -timedelta(days=300)
    refusal = pin.locked()
    assert refusal
    assert refusal.locked_for == FIRST_LOCK.total_seconds()
    await clock.turn(refusal.locked_for)
    assert pin.locked() is None


async def test_the_right_pin_forgives_earlier_guesses(pin: StaffPin) -> None:
    await pin.refuses("000000")
    await pin.refuses(PIN)
    refusal = await pin.refuses("000000")
    assert refusal
    assert refusal.guesses_left == GUESSES - 1
