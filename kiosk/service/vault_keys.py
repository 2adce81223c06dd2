"""The keys that palms are sealed to: which ones count, and for how long.

The vault signs its public keys as a set with a revision, and says until when they count. This kiosk
keeps the first vault that it meets after an activation for the right one, by the key that it signs
with, and takes no other until it is activated again; and of that vault no keys of before. A service
of before shows keys that nobody has signed: they count as long as this kiosk has met no vault that
signs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kiosk.service.errors import UntrustedKeys
from kiosk.service.identity import Identity, KnownVault
from protocol import documents
from protocol.encoding import to_base64
from protocol.messages import VaultKey, VaultKeySet

LONGEST = timedelta(hours=24)
"""How long keys count at most, by a clock that nobody sets: the others may be wrong."""
APART = timedelta(minutes=5)
"""How far the clocks of a vault and its service may be apart."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Keys that count."""

    keys: Sequence[VaultKey]
    expires_at: datetime | None
    """By the service's clock; None for keys that nobody has signed."""
    accepted_at: float
    """In seconds of `kiosk.clock.Clock.now`."""

    def count(self, at: datetime, seconds: float) -> bool:
        """Returns whether they count now: `at` is the time by the service's clock, and `seconds` by
        the kiosk's own."""
        if self.expires_at is None:
            return True
        return at < self.expires_at and seconds - self.accepted_at < LONGEST.total_seconds()

    def should_be_renewed(self, at: datetime, seconds: float) -> bool:
        """Returns whether half of their time is over."""
        half = LONGEST / 2
        is_late = self.expires_at is not None and at + half >= self.expires_at
        return is_late or seconds - self.accepted_at >= half.total_seconds()


def accept(shown: VaultKeySet, identity: Identity, at: datetime, seconds: float) -> Accepted:
    """Returns the keys that count of those that a service shows, and has the identity know their
    vault. Raises UntrustedKeys."""
    try:
        signer = to_base64(documents.verify(documents.document_of(shown)))
    except documents.Forged as forged:
        raise UntrustedKeys(
            f"the keys of its vault do not count: {forged}. If nobody has changed the service, "
            "somebody may stand in between."
        ) from None
    known = identity.vault
    if known is not None and signer != known.signer:
        raise UntrustedKeys(
            "its vault is not the one that this kiosk was activated with. If you have set up "
            "another vault, activate this kiosk again; if not, somebody may stand in between."
        )
    if known is not None and shown.revision < known.revision:
        raise UntrustedKeys(
            "the keys of its vault are older than those that this kiosk has seen. If the vault was "
            "restored from a backup, have it make another key: ./run cloud renew-capture-key."
        )
    if shown.expires_at <= at:
        raise UntrustedKeys(
            f"the keys of its vault have expired ({shown.expires_at:%Y-%m-%d %H:%M} UTC). Set the "
            "clocks of the service and of its vault, and start the vault again."
        )
    usable = [key for key in shown.keys if key.not_before <= at + APART]
    if not usable:
        raise UntrustedKeys(
            "no key of its vault counts yet. Set the clocks of the service and of its vault."
        )
    identity.know(KnownVault(signer=signer, revision=shown.revision))
    return Accepted(usable, shown.expires_at, seconds)


def accept_unsigned(keys: Sequence[VaultKey], identity: Identity, seconds: float) -> Accepted:
    """Returns keys of a service of before. Raises UntrustedKeys where the vault is known."""
    if identity.vault is not None:
        raise UntrustedKeys(
            "it does not show the keys of its vault signed, and did before. Install the version "
            "that does; if nobody has changed the service, somebody may stand in between."
        )
    return Accepted(keys, None, seconds)
