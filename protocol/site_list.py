"""The templates of a site's list, sealed by the vault to one kiosk.

They are the canonical CBOR array of the templates, one message of HPKE (RFC 9180) in base mode to
a key that the kiosk has made for this list alone (`protocol.envelope.PrivateKey`). The service
carries them and cannot open them. The `info` of HPKE names the kiosk and the people, so what is
sealed does not open as the list of another kiosk, or with people in another order.
"""

from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag

from protocol import canonical
from protocol.encoding import from_base64
from protocol.envelope import NotSealedToUs, PrivateKey, Suite, UnknownKey, public_key
from protocol.messages import VaultKey

_LABEL = b"palm-kiosk site list v1\0"


def binding(device_id: str, marks: Sequence[str]) -> bytes:
    """Returns what the templates of these people are bound to, 32 bytes."""
    return sha256(canonical.encode([device_id, list(marks)])).digest()


def seal_templates(templates: Sequence[bytes | None], key: VaultKey, bound_to: bytes) -> bytes:
    """Returns templates sealed to a kiosk's key; None stands for one that there is not.

    Raises UnknownSuite, and UnknownKey when the key is not valid for its suite.
    """
    suite = Suite(key.suite)
    try:
        public = public_key(suite, from_base64(key.public_key))
    except ValueError:
        raise UnknownKey("the kiosk's key is not a key of its suite") from None
    plain = canonical.encode(list(templates))
    return suite.hpke.encrypt(plain, public, _LABEL + bound_to)


def open_templates(sealed: bytes, key: PrivateKey, bound_to: bytes) -> list[bytes | None]:
    """Raises NotSealedToUs."""
    try:
        opened = canonical.decode(key.decrypt(sealed, _LABEL + bound_to))
    except (InvalidTag, canonical.NotCanonical):
        raise NotSealedToUs("altered, or sealed to somebody else") from None
    if not isinstance(opened, list) or not all(
        each is None or type(each) is bytes for each in opened
    ):
        raise NotSealedToUs("not a list of templates")
    return opened
