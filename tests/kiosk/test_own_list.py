"""A gate's own list: who passes by it, and that it is gone when it has to be."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kiosk.own_list import EVERY_S, Found, OwnList
from kiosk.screens import GateAnswer
from kiosk.service.errors import Offline, Refused
from palm.hand.landmarks import Side as HandSide
from protocol.encoding import to_base64
from protocol.entry import SiteList
from protocol.envelope import PrivateKey
from protocol.messages import Problem, ProblemType, VaultKey
from tests.support.clocks import TurnedClock
from tests.support.plain_palms import Flaw, burst
from tests.support.site_lists import PlainMatching, mark_of, site_list

pytestmark = pytest.mark.anyio

HOUR = 3600


class Service:
    """A service that makes lists as a test says."""

    device_id = "device-1234"

    def __init__(self, *people: str, **changes: Any) -> None:
        self.people = people
        self.changes = changes
        self.asked = 0
        self.fails: Exception | None = None

    async def site_list(self, key: VaultKey) -> SiteList:
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        return site_list(*self.people, key=key, device_id=self.device_id, **self.changes)


def refused(kind: ProblemType) -> Refused:
    return Refused(Problem(type=kind, title="No", status=404, detail="No."))


GONE = Offline("nobody answered", may_have_arrived=False)


async def held(service: Service, clock: TurnedClock) -> OwnList:
    own = OwnList(service, clock, PlainMatching)
    await own.renew()
    assert own.counts
    return own


async def test_who_is_on_the_list_is_recognised_and_nobody_else() -> None:
    own = await held(Service("alex", "sam"), TurnedClock())
    found = await own.find(burst("sam"))
    assert isinstance(found, Found)
    assert found.person.mark == mark_of("sam")
    assert await own.find(burst("a stranger")) is GateAnswer.NOT_KNOWN
    assert await own.find(burst("alex", HandSide.RIGHT)) is GateAnswer.NOT_KNOWN
    assert await own.find(burst("alex", likeness=0.4)) is GateAnswer.NOT_KNOWN
    assert await own.find(burst("alex", flaw=Flaw.NO_HAND)) is GateAnswer.NOT_KNOWN
    assert await (await held(Service(), TurnedClock())).find(burst("alex")) is GateAnswer.NOT_KNOWN


async def test_a_palm_that_was_kept_in_an_earlier_version_is_recognised_in_it() -> None:
    own = await held(Service("alex", earlier=["sam", "kim"]), TurnedClock())
    for who in ("alex", "sam", "kim"):
        found = await own.find(burst(who))
        assert isinstance(found, Found)
        assert found.person.mark == mark_of(who)
    # Each version is compared at a score of its own.
    assert await own.find(burst("sam", likeness=0.4)) is GateAnswer.NOT_KNOWN
    assert await own.find(burst("a stranger")) is GateAnswer.NOT_KNOWN


async def test_a_version_that_the_kiosk_does_not_compare_leaves_out_its_people_alone() -> None:
    class Newer(Service):
        async def site_list(self, key: VaultKey) -> SiteList:
            told = await super().site_list(key)
            return told.model_copy(update={"version": 901})

    own = await held(Newer("alex", earlier=["sam"]), TurnedClock())
    assert isinstance(await own.find(burst("sam")), Found)
    assert await own.find(burst("alex")) is GateAnswer.NOT_KNOWN


async def test_two_who_are_alike_are_not_told_apart() -> None:
    own = await held(Service("alex", "sam", at_least=-2.0), TurnedClock())
    assert await own.find(burst("alex")) is GateAnswer.NOT_SURE


async def test_a_list_counts_for_its_time_and_is_erased_then() -> None:
    clock = TurnedClock()
    own = await held(Service("alex"), clock)
    await clock.turn(4 * HOUR - 1)
    assert isinstance(await own.find(burst("alex")), Found)
    await clock.turn(1)
    assert not own.counts
    assert own.told is None
    assert await own.find(burst("alex")) is GateAnswer.AWAY


async def test_each_passes_at_their_own_times() -> None:
    clock = TurnedClock()
    own = await held(Service("alex", times=[(HOUR, 2 * HOUR)]), clock)
    answers: list[bool] = []
    for _ in range(3):
        answers.append(isinstance(await own.find(burst("alex")), Found))
        await clock.turn(HOUR)
    assert answers == [False, True, False]


@pytest.mark.parametrize("off", [timedelta(days=-30), timedelta(hours=-5)])
async def test_a_clock_that_is_set_back_prolongs_nothing(off: timedelta) -> None:
    clock = TurnedClock()
    own = await held(Service("alex", times=[(0, HOUR)]), clock)
    await clock.turn(2 * HOUR)
    clock.set_off_by = off
    assert await own.find(burst("alex")) is GateAnswer.CLOSED
    await clock.turn(2 * HOUR)
    assert not own.counts


async def test_a_kiosk_that_has_slept_counts_the_time_by_the_clock_on_the_wall() -> None:
    clock = TurnedClock()
    own = await held(Service("alex"), clock)
    clock.set_off_by = timedelta(hours=4)
    assert not own.counts


async def test_a_list_is_made_anew_while_there_is_a_network_and_stays_without_one() -> None:
    clock = TurnedClock()
    service = Service("alex")
    own = await held(service, clock)
    await own.renew()
    assert service.asked == 1
    await clock.turn(EVERY_S)
    service.fails = GONE
    await own.renew()
    assert isinstance(await own.find(burst("alex")), Found)
    # Alex's access is taken away meanwhile, and then the network is back.
    service.fails, service.people = None, ("sam",)
    await own.renew()
    assert await own.find(burst("alex")) is GateAnswer.NOT_KNOWN


@pytest.mark.parametrize("kind", [ProblemType.UNKNOWN_DEVICE, ProblemType.NOT_FOUND])
async def test_a_device_that_is_revoked_or_stands_elsewhere_has_no_list(kind: ProblemType) -> None:
    clock = TurnedClock()
    service = Service("alex")
    own = await held(service, clock)
    await clock.turn(EVERY_S)
    service.fails = refused(kind)
    await own.renew()
    assert not own.counts


WRONG: dict[str, Callable[[SiteList], SiteList]] = {
    "another version": lambda told: told.model_copy(update={"version": 1}),
    "altered": lambda told: told.model_copy(update={"templates": to_base64(bytes(1300))}),
    "other people": lambda told: told.model_copy(update={"people": told.people[::-1]}),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_list_that_is_not_for_this_kiosk_as_it_is_counts_for_nothing(wrong: str) -> None:
    class Other(Service):
        async def site_list(self, key: VaultKey) -> SiteList:
            return WRONG[wrong](await super().site_list(key))

    own = OwnList(Other("alex", "sam"), TurnedClock(), PlainMatching)
    await own.renew()
    assert not own.counts


async def test_a_list_of_another_kiosk_or_key_does_not_open() -> None:
    class Other(Service):
        async def site_list(self, key: VaultKey) -> SiteList:
            return site_list("alex", key=PrivateKey.generate().public, device_id=self.device_id)

    class Elsewhere(Service):
        async def site_list(self, key: VaultKey) -> SiteList:
            return site_list("alex", key=key, device_id="another-device")

    for service in (Other(), Elsewhere()):
        own = OwnList(service, TurnedClock(), PlainMatching)
        await own.renew()
        assert not own.counts


async def test_nobody_comes_in_twice_by_one_list_where_that_is_watched() -> None:
    own = await held(Service("alex", once=True), TurnedClock())
    found = await own.find(burst("alex"))
    assert isinstance(found, Found)
    own.note(found)
    assert await own.find(burst("alex")) is GateAnswer.ALREADY_IN


async def test_what_is_erased_is_overwritten() -> None:
    made: list[Any] = []

    class Watched(PlainMatching):
        def prepare(self, version: int, templates: Any) -> Any:
            made.append(super().prepare(version, templates))
            return made[-1]

    own = OwnList(Service("alex", earlier=["sam"]), TurnedClock(), Watched)
    await own.renew()
    assert [each.any() for each in made] == [True, True]
    own.erase()
    assert [each.any() for each in made] == [False, False]
