"""What authenticators are asked for, and what they have made and signed (W3C Web Authentication,
level 3): passkeys of the portal's customers and of the console's staff.

A passkey is a discoverable credential, so the authenticator itself says whose it is. It has to
verify its user, by a finger, a face or a PIN. What it signs is a challenge that the service has
made for one browser and one purpose, which serves once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from ipaddress import ip_address
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from cloud.db.locks import held
from cloud.policy import PASSKEY_CHALLENGE_LIFE
from cloud.web.problems import Refusal
from cloud.web.tables import PasskeyChallengeRow
from protocol.messages import ProblemType

CREDENTIAL_LENGTH = 16_384
"""The largest number of characters of a credential, which a browser writes as JSON."""
_TIMEOUT_MS = int(PASSKEY_CHALLENGE_LIFE.total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Site:
    """The portal or the console, as authenticators know it."""

    origin: str
    name: str

    @property
    def rp_id(self) -> str:
        """Returns the domain that passkeys are for."""
        return urlsplit(self.origin).hostname or ""

    @property
    def takes_passkeys(self) -> bool:
        """Whether browsers make passkeys for it: they do for a name, and not for an address."""
        try:
            ip_address(self.rp_id)
        except ValueError:
            return bool(self.rp_id)
        return False


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a passkey is to be, as authenticators know them."""

    handle: bytes
    """By it they keep one passkey of each account; it tells nothing about the person."""
    name: str
    """Whoever keeps people's passkeys for them reads it."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """What an authenticator has made."""

    credential_id: bytes
    public_key: bytes
    """A COSE key (RFC 9052)."""
    sign_count: int
    """What its counter is; 0 for one that does not count."""


async def ask_to_sign(session: AsyncSession, challenge_id: str, site: Site, now: datetime) -> str:
    """Returns what a browser asks its authenticators to sign, as JSON. `challenge_id` stands for
    the browser and the purpose."""
    options = webauthn.generate_authentication_options(
        rp_id=site.rp_id,
        timeout=_TIMEOUT_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    await _keep(session, challenge_id, None, options.challenge, now)
    return webauthn.options_to_json(options)


async def ask_for_new(
    session: AsyncSession,
    challenge_id: str,
    site: Site,
    holder: Holder,
    *,
    known: Sequence[bytes],
    now: datetime,
    person_id: str | None = None,
) -> str:
    """Returns what a browser asks its authenticators to make, as JSON: one that has a credential
    that is `known` makes none. The challenge is deleted with the customer `person_id`."""
    options = webauthn.generate_registration_options(
        rp_id=site.rp_id,
        rp_name=site.name,
        user_id=holder.handle,
        user_name=holder.name,
        user_display_name=holder.name,
        timeout=_TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            # One that is not discoverable is of no use where no name is typed.
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(each) for each in known],
    )
    await _keep(session, challenge_id, person_id, options.challenge, now)
    return webauthn.options_to_json(options)


async def use_up(session: AsyncSession, challenge_id: str, now: datetime) -> bytes:
    """Returns a challenge, which nobody gets again, whatever becomes of it. Raises Refusal."""
    row = await held(session, PasskeyChallengeRow, challenge_id)
    if row is None:
        raise not_taken()
    await session.delete(row)
    if row.expires_at <= now:
        raise not_taken()
    return row.challenge


def read_signed(given: str) -> AuthenticationCredential:
    """Returns the credential that a browser has written (AuthenticationResponseJSON). Raises
    Refusal."""
    try:
        return parse_authentication_credential_json(given)
    except Exception:
        # The library does not say all that it raises for what strangers make up.
        raise not_taken() from None


def check_signed(
    site: Site,
    credential: AuthenticationCredential,
    challenge: bytes,
    *,
    handle: bytes,
    public_key: bytes,
    sign_count: int,
) -> int:
    """Returns what the counter of the passkey with these values has become. Raises Refusal when it
    has not signed the challenge here, for the same reason whatever is wrong."""
    if not compare_digest(credential.response.user_handle or b"", handle):
        raise not_taken()
    try:
        return webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        ).new_sign_count
    except Exception:
        raise not_taken() from None


def check_made(site: Site, given: str, challenge: bytes) -> NewKey:
    """Returns what an authenticator has made, as a browser writes it (RegistrationResponseJSON).
    Raises Refusal."""
    try:
        made = webauthn.verify_registration_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception:
        raise not_taken() from None
    return NewKey(made.credential_id, made.credential_public_key, made.sign_count)


def not_taken() -> Refusal:
    """Returns the refusal of a passkey, whatever is wrong with it."""
    return Refusal(ProblemType.NOT_ACCEPTED, "the passkey is not taken")


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the challenges that no passkey may answer any more."""
    await session.execute(delete(PasskeyChallengeRow).where(PasskeyChallengeRow.expires_at <= now))


async def forget_all(session: AsyncSession) -> None:
    """Makes every challenge invalid: it is asked for again."""
    await session.execute(delete(PasskeyChallengeRow))


async def _keep(
    session: AsyncSession,
    challenge_id: str,
    person_id: str | None,
    challenge: bytes,
    now: datetime,
) -> None:
    """Stores a challenge, in place of the one that was made before for the same."""
    await session.execute(delete(PasskeyChallengeRow).where(PasskeyChallengeRow.id == challenge_id))
    session.add(
        PasskeyChallengeRow(
            id=challenge_id,
            person_id=person_id,
            challenge=challenge,
            expires_at=now + PASSKEY_CHALLENGE_LIFE,
        )
    )
