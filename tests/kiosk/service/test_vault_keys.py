"""A kiosk seals palms to keys that the vault it was activated with has signed, and to no others."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceUnavailable, UntrustedKeys
from kiosk.service.identity import Identity
from kiosk.settings import ServicePatience
from protocol import documents
from protocol.envelope import PrivateKey, Suite, read_header
from protocol.messages import DatedKey, ProblemType, Purpose, ServiceInfo, VaultKeySet
from tests.support.canned import DEVICE, VAULT, CannedService, problem
from tests.support.clocks import HurriedClock
from tests.support.plain_palms import burst
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio

SIGNER, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
NEWER = PrivateKey.generate(Suite.X25519)


class TurnedClock(HurriedClock):
    """A clock whose time is turned on, and whose date is set."""

    set_off_by = timedelta(0)

    def wall(self) -> datetime:
        return super().wall() + timedelta(seconds=self._slept) + self.set_off_by

    def turn(self, hours: float) -> None:
        self._slept += hours * 3600

    def true(self) -> datetime:
        return super().wall() + timedelta(seconds=self._slept)


class Signing:
    """What a vault says of its keys, by the service's clock, which a test sets."""

    def __init__(self, canned: CannedService, clock: TurnedClock) -> None:
        self.clock = clock
        self.off_by = timedelta(0)
        self.revision, self.signer, self.keys = 5, SIGNER, [VAULT]
        self.lasts = timedelta(hours=24)
        self.canned = canned

    def now(self) -> datetime:
        return self.clock.true() + self.off_by

    def info(self) -> ServiceInfo:
        public = [key.public for key in self.keys]
        return ServiceInfo(version="1", time=self.now(), vault_keys=public, sandbox=True)

    def key_set(self) -> VaultKeySet:
        dated = [
            DatedKey(**key.public.model_dump(), not_before=self.now(), expires_at=None)
            for key in self.keys
        ]
        return documents.sign(
            self.signer,
            VaultKeySet,
            revision=self.revision,
            made_at=self.now(),
            expires_at=self.now() + self.lasts,
            keys=dated,
        )


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
async def vault(canned: CannedService, clock: TurnedClock) -> Signing:
    told = Signing(canned, clock)
    canned.always("GET /service", lambda _: told.info())
    canned.always("GET /vault-keys", lambda _: told.key_set())
    return told


@pytest.fixture
async def kiosk(
    canned: CannedService, authority: Path, clock: TurnedClock, tmp_path: Path
) -> AsyncIterator[SignatureService]:
    identity = Identity.load_or_make(sealed(tmp_path / "identity.json"))
    identity.activate(DEVICE)
    client = SignatureService(identity, clock, ServicePatience())
    await client.connect(canned.url, authority)
    yield client
    await client.close()


async def sealed_to(kiosk: SignatureService, canned: CannedService) -> str:
    """Returns the id of the key to which the next palm is sealed."""
    await kiosk.identify(burst("alex"), Purpose.IDENTIFY, "visit-1234")
    return read_header(canned.requests("POST /identifications")[-1].body).key_id


async def test_the_first_vault_after_an_activation_is_kept(
    kiosk: SignatureService, canned: CannedService, vault: Signing, authority: Path, tmp_path: Path
):
    assert await sealed_to(kiosk, canned) == VAULT.public.key_id
    again = Identity.load_or_make(sealed(tmp_path / "identity.json"))
    assert again.vault is not None
    assert again.vault.revision == 5
    vault.signer = STRANGER
    await kiosk.connect(canned.url, authority)
    with pytest.raises(UntrustedKeys, match="not the one that this kiosk was activated with"):
        await kiosk.info()
    await kiosk.activate("12345678", "Till 1")
    await kiosk.info()


async def test_keys_that_somebody_else_has_changed_are_refused(
    kiosk: SignatureService, canned: CannedService, vault: Signing
):
    forged = vault.key_set().model_copy(update={"revision": 6})
    canned.will("GET /vault-keys", forged)
    with pytest.raises(UntrustedKeys, match="its signature does not fit"):
        await sealed_to(kiosk, canned)
    assert not canned.requests("POST /identifications")


async def test_the_log_is_told_once_why_keys_are_refused(
    kiosk: SignatureService,
    canned: CannedService,
    vault: Signing,
    caplog: pytest.LogCaptureFixture,
):
    vault.lasts = timedelta(minutes=-1)
    for _ in range(2):
        with pytest.raises(UntrustedKeys):
            await kiosk.info()
    (told,) = [line for line in caplog.messages if "no palm can be sealed" in line]
    assert "Set the clocks of the service and of its vault" in told


async def test_keys_of_before_do_not_count_any_more(
    kiosk: SignatureService, canned: CannedService, vault: Signing, authority: Path
):
    before = vault.key_set()
    vault.revision, vault.keys = 6, [NEWER, VAULT]
    assert await sealed_to(kiosk, canned) == NEWER.public.key_id
    await kiosk.connect(canned.url, authority)
    canned.will("GET /vault-keys", before)
    with pytest.raises(UntrustedKeys, match="older than those that this kiosk has seen"):
        await kiosk.info()


async def test_keys_that_have_expired_are_asked_for_anew_before_a_palm_is_sealed(
    kiosk: SignatureService, canned: CannedService, vault: Signing, clock: TurnedClock
):
    await sealed_to(kiosk, canned)
    vault.revision, vault.keys = 6, [NEWER, VAULT]
    clock.turn(hours=25)
    assert await sealed_to(kiosk, canned) == NEWER.public.key_id


async def test_without_other_keys_no_palm_is_sealed_and_the_cause_is_told(
    kiosk: SignatureService, canned: CannedService, vault: Signing, clock: TurnedClock
):
    await sealed_to(kiosk, canned)
    clock.turn(hours=25)
    vault.lasts = timedelta(minutes=-1)
    with pytest.raises(UntrustedKeys, match="have expired"):
        await sealed_to(kiosk, canned)
    canned.always("GET /vault-keys", problem(ProblemType.VAULT_UNAVAILABLE, 503))
    with pytest.raises(ServiceUnavailable):
        await sealed_to(kiosk, canned)
    assert len(canned.requests("POST /identifications")) == 1


async def test_keys_are_renewed_in_time_and_go_on_when_that_fails(
    kiosk: SignatureService, canned: CannedService, vault: Signing, clock: TurnedClock
):
    await kiosk.info()
    await kiosk.info()
    assert len(canned.requests("GET /vault-keys")) == 1
    clock.turn(hours=13)
    canned.will("GET /vault-keys", problem(ProblemType.VAULT_UNAVAILABLE, 503))
    await kiosk.info(1.0)
    await kiosk.info()
    assert len(canned.requests("GET /vault-keys")) >= 3


@pytest.mark.parametrize("hours", [-72, 72])
async def test_a_clock_that_is_set_changes_nothing(
    hours: int,
    kiosk: SignatureService,
    canned: CannedService,
    vault: Signing,
    clock: TurnedClock,
):
    await sealed_to(kiosk, canned)
    clock.set_off_by += timedelta(hours=hours)
    assert await sealed_to(kiosk, canned) == VAULT.public.key_id
    vault.off_by += timedelta(hours=hours)
    await kiosk.info()
    assert await sealed_to(kiosk, canned) == VAULT.public.key_id


async def test_a_clock_that_was_set_back_makes_no_keys_last_longer(
    kiosk: SignatureService, canned: CannedService, vault: Signing, clock: TurnedClock
):
    await sealed_to(kiosk, canned)
    clock.set_off_by -= timedelta(days=30)
    clock.turn(hours=25)
    vault.revision, vault.keys = 6, [NEWER, VAULT]
    assert await sealed_to(kiosk, canned) == NEWER.public.key_id


async def test_a_service_of_before_is_used_until_its_vault_has_signed(
    kiosk: SignatureService, canned: CannedService, vault: Signing, authority: Path
):
    not_there = problem(ProblemType.NOT_FOUND, 404)
    canned.will("GET /vault-keys", not_there)
    assert await sealed_to(kiosk, canned) == VAULT.public.key_id
    await kiosk.connect(canned.url, authority)
    await kiosk.info()
    await kiosk.connect(canned.url, authority)
    canned.will("GET /vault-keys", not_there)
    with pytest.raises(UntrustedKeys, match="and did before"):
        await kiosk.info()


async def test_of_several_keys_none_is_used_before_its_time(
    kiosk: SignatureService, canned: CannedService, vault: Signing
):
    told = vault.key_set()
    early = told.keys[0].model_copy(update={"not_before": vault.now() + timedelta(hours=1)})
    canned.will(
        "GET /vault-keys",
        documents.sign(
            SIGNER,
            VaultKeySet,
            revision=told.revision,
            made_at=told.made_at,
            expires_at=told.expires_at,
            keys=[early],
        ),
    )
    with pytest.raises(UntrustedKeys, match="no key of its vault counts yet"):
        await kiosk.info()
