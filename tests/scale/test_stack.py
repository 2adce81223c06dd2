"""The whole of a one-site service in processes, as `./run stack` starts it: two services behind a
balancer, two vaults and a worker. They are asked at the same moment, killed and started again."""

import asyncio
import secrets
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from sqlalchemy import text

from cloud.db.database import looking
from cloud.db.postgres import PostgresDatabase
from cloud.keys.masters import open_master
from cloud.merchants.devices import make_activation_code
from cloud.providers.sandbox import Sandbox
from cloud.state import State
from kiosk.clock import SystemClock
from kiosk.service.client import SignatureService
from kiosk.service.identity import Identity
from kiosk.settings import ServicePatience
from protocol.messages import (
    ENVELOPE_TYPE,
    DeletionReceipt,
    DeletionRequest,
    Identification,
    Outcome,
    ProblemType,
    Purchase,
    Purpose,
)
from stack.kiosks import Visitor
from stack.phones import Phones
from stack.programs import Ended
from stack.site import Site
from tests.cloud.payments.test_purchases import (
    test_the_same_purchase_sent_many_times_at_once_charges_once,
)
from tests.cloud.test_process import CHARGE, Proxy, customers
from tests.scale.test_races import (
    test_a_code_is_guessed_as_often_as_it_allows,
    test_an_activation_code_activates_one_device,
)
from tests.support import databases
from tests.support.books import charged
from tests.support.device import Refused, TestDevice, fresh_phone, refusal
from tests.support.plain_palms import burst
from tests.support.postgres import migrated
from tests.support.sealed import sealed
from tests.support.served import PATIENCE_S, plain_settings
from tests.support.warm import warm_starts

__all__ = [
    "test_a_code_is_guessed_as_often_as_it_allows",
    "test_an_activation_code_activates_one_device",
    "test_the_same_purchase_sent_many_times_at_once_charges_once",
]

T = TypeVar("T")
ONE, OTHER = "service-1", "service-2"
FORGET = r"customers/[^/]+$"
ITS_OWN = ("/v1/enrolments", "/v1/sandbox/messages", "/completion", "/identifications")
"""How the paths end of what one service has in memory of its own: the texts that it has sent, and
the palms that it has enrolled itself, which it finds at once."""


class InTurns(httpx.BaseTransport):
    """Sends each request to the service whose turn it is, and ITS_OWN to the first."""

    def __init__(self, site: Site) -> None:
        trusted = ssl.create_default_context(cafile=site.ca)
        self._transport = httpx.HTTPTransport(verify=trusted, trust_env=False)
        self._site = site
        self._names = cycle((OTHER, ONE))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = ONE if request.url.path.endswith(ITS_OWN) else next(self._names)
        url = httpx.URL(self._site.announced[name]["url"])
        request.url = request.url.copy_with(port=url.port)
        request.headers["host"] = f"{url.host}:{url.port}"
        return self._transport.handle_request(request)

    def close(self) -> None:
        self._transport.close()


class Running:
    """A site on a loop of its own, and the provider of its payments, which a proxy can hold."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.address = migrated(databases.name_for(root))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._opened = AsyncExitStack()
        self._devices: list[TestDevice] = []

    def __enter__(self) -> "Running":
        self._thread.start()
        try:
            self.do(self._open())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for device in self._devices:
            device.http.close()
        self.do(self._opened.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    async def _open(self) -> None:
        payments = self._root / "payments"
        payments.mkdir()
        sandbox = await self._opened.enter_async_context(Sandbox(payments))
        self.provider_url = sandbox.url
        self.payments = self._opened.enter_context(Proxy(sandbox.url))
        self.site = Site(self._root, self.address, self.payments.url)
        await self._opened.enter_async_context(self.site)
        self._store = PostgresDatabase(self.address)
        self._opened.push_async_callback(self._store.close)
        self._master = open_master(State.open(self.site.state, self.address), alone=False)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(3 * PATIENCE_S)

    def activation_code(self) -> str:
        async def make() -> str:
            async with self._store.session() as session:
                return await make_activation_code(session, self._master, datetime.now(UTC))

        return self.do(make())

    def device(self) -> TestDevice:
        """Returns a device that is not activated, and asks both services in turns."""
        device = self.device_at(self.site.url)
        device.http.close()
        device.http = httpx.Client(
            base_url=self.site.url, transport=InTurns(self.site), timeout=60, trust_env=False
        )
        return device

    def device_at(self, url: str) -> TestDevice:
        self._devices.append(TestDevice(url, self.site.ca))
        return self._devices[-1]

    def kiosk(self) -> TestDevice:
        return self._activated(self.device())

    def kiosk_at(self, name: str) -> TestDevice:
        """Returns an activated device that asks one service alone."""
        return self._activated(self.device_at(self.site.announced[name]["url"]))

    def kiosk_behind_balancer(self) -> TestDevice:
        return self._activated(self.device_at(self.site.url))

    def follow(self, kiosk: TestDevice, url: str) -> None:
        """Has a kiosk ask at another address."""
        kiosk.http.close()
        kiosk.http = self.device_at(url).http

    def _activated(self, device: TestDevice) -> TestDevice:
        device.activate(self.activation_code())
        return device


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The site, under the name that the tests of the races know it by."""
    root = tmp_path_factory.mktemp("site")
    (root / "service").mkdir(mode=0o700)
    (root / "service" / "settings.toml").write_text(plain_settings())
    with warm_starts(), Running(root) as running:
        yield running


def test_a_palm_that_is_enrolled_through_one_service_is_known_to_the_other(
    served: Running, who: str
):
    one, other = served.kiosk_at(ONE), served.kiosk_at(OTHER)
    one.sign_up(who)
    with pytest.raises(Refused) as refused:
        other.sign_up(who)
    assert refused.value.problem.type is ProblemType.PALM_KNOWN
    while other.identify(who).outcome is not Outcome.ACCEPTED:
        # Those who are asked too often refuse in the end.
        pass


def test_a_purchase_whose_service_is_killed_is_charged_once_by_another(served: Running, who: str):
    kiosk = served.kiosk_at(ONE)
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    before = charged(served)
    pay = partial(kiosk.post, "/purchases", sale, Purchase, key=f"key-{sale.reference}")
    with (
        served.payments.holding(CHARGE, passed_on=True) as held,
        ThreadPoolExecutor(1) as pool,
    ):
        asked = pool.submit(pay)
        assert held.wait(PATIENCE_S)
        served.do(served.site.kill(ONE))
        assert isinstance(asked.exception(), httpx.TransportError)
    served.follow(kiosk, served.site.url)
    bought = pay()
    assert bought.outcome == "approved"
    served.do(served.site.start(ONE))
    served.follow(kiosk, served.site.announced[ONE]["url"])
    assert pay() == bought
    assert charged(served) == before + 1


def forgetting(served: Running) -> int:
    """Returns how many cards are to be forgotten."""
    with looking(served.address) as connection:
        count = text("SELECT count(*) FROM errands WHERE kind = 'forget card'")
        return connection.scalar(count) or 0


def test_a_worker_that_is_killed_at_a_job_is_named_and_leaves_it_to_the_next(
    served: Running, kiosk: TestDevice, who: str
):
    before = customers(served)
    kiosk.sign_up(who)
    leaving = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    with served.payments.holding(FORGET, passed_on=True) as held:
        kiosk.post("/deletions", leaving, DeletionReceipt)
        assert held.wait(PATIENCE_S)
        served.do(served.site.kill("worker"))
    with pytest.raises(Ended, match="worker has ended by signal 9"):
        served.do(served.site.watch())
    assert forgetting(served), "a service does no jobs"
    served.do(served.site.start("worker"))
    while forgetting(served):
        pass
    assert customers(served) <= before


# A stream of identifications


class Streamed:
    """Somebody whose palm is shown at a kiosk behind the balancer again and again."""

    def __init__(self, served: Running, who: str) -> None:
        self._served = served
        self._kiosk = served.kiosk_behind_balancer()
        self._who = who
        self._holder = self._kiosk.sign_up(who, holder=f"{who} Doe").name_hint

    def show(self) -> str:
        """Shows the palm once, and returns what came of it in a word. Where nothing came, whoever
        stands there shows it again."""
        envelope = self._kiosk.seal(burst(self._who), Purpose.PAY, secrets.token_urlsafe(12))
        try:
            answer = self._kiosk.send(
                "POST", "/identifications", envelope, content_type=ENVELOPE_TYPE
            )
        except httpx.TransportError:
            self._served.follow(self._kiosk, self._served.site.url)
            return "cut off"
        if answer.status_code == 503 and "retry-after" in answer.headers:
            return f"asked to wait: {refusal(answer).type.name.lower()}"
        if answer.is_error:
            return f"wrong: {refusal(answer).type.name.lower()}"
        found = Identification.model_validate_json(answer.content)
        is_right = found.customer is not None and found.customer.name_hint == self._holder
        return "right" if is_right else f"wrong: {found.outcome}"


def shown_while(people: list[Streamed], act: Callable[[], object]) -> Counter[str]:
    """Has people show their palms while something is done, and returns what came of it."""

    def show(person: Streamed) -> list[str]:
        return [person.show() for _ in range(4)]

    with ThreadPoolExecutor(len(people)) as pool:
        showing = pool.map(show, people)
        act()
        return Counter(word for words in showing for word in words)


def test_while_services_and_vaults_are_replaced_each_answer_is_right_or_asks_to_wait(
    served: Running,
):
    site = served.site

    async def restart(name: str) -> None:
        await site.stop(name)
        await site.start(name)

    people = [Streamed(served, name) for name in ("Ada", "Bob")]
    seen = Counter[str]()
    for act in (restart(ONE), restart(OTHER), restart("vault-1"), site.kill("vault-2")):
        seen += shown_while(people, partial(served.do, act))
    allowed = ("right", "cut off", "asked to wait")
    assert [word for word in seen if not word.startswith(allowed)] == []
    assert seen["right"]


def test_a_simulated_kiosk_signs_its_person_up_and_recognises_them(
    served: Running, tmp_path: Path, who: str
):
    async def visit() -> list[Outcome]:
        known = Identity.load_or_make(sealed(tmp_path / "identity.json"))
        # A vault that was killed may still be away.
        patience = ServicePatience(connect_s=PATIENCE_S, answer_s=PATIENCE_S, deadline_s=PATIENCE_S)
        service = SignatureService(known, SystemClock(), patience)
        await service.connect(served.site.url, served.site.ca)
        await service.activate(await served.site.activation_code(), "Simulated")
        phones = Phones(served.site.urls, served.site.ca)
        visitor = Visitor(service, phones, partial(burst, who), fresh_phone())
        first = await visitor.identify()
        await visitor.sign_up()
        found = [first.outcome]
        while found[-1] is not Outcome.ACCEPTED:
            # The other service may have to hear of them first.
            found.append((await visitor.identify()).outcome)
        await phones.close()
        await service.close()
        return found

    found = served.do(visit())
    assert found[0] in (Outcome.ASK_AGAIN, Outcome.REFUSED)
