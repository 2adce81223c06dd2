"""`pkcs11:token=…;object=…?module-path=…&pin-source=…`: AES keys in a token, by RFC 7512.

Of several AES keys with the label `object`, the one with the largest id (as a number) wraps, and
each unwraps what it has wrapped: so a key is rotated by making another one with a larger id.
Wrapping is AES-GCM in the token (PKCS #11 3.0, section 2.13.3) with the purpose as associated data.

The PIN stands in the file that `pin-source` names. A wrong one is never tried twice: a token locks
itself after some.
"""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11 import exceptions as errors

from cloud.keys.keeper import Keeper, KeysAway, KeysUnusable, Wrapped, credential, read_credential

_NONCE = 12
_NEEDED, _OPTIONAL = {"token", "object", "module-path", "pin-source"}, {"serial", "id", "type"}

_WRONG_PIN = (errors.PinIncorrect, errors.PinInvalid, errors.PinLenRange)
_LOCKED = (errors.PinLocked, errors.PinExpired, errors.UserPinNotInitialized)
_ALTERED = (
    # What SoftHSM answers to a wrong tag. The token has let us in and found the key by then.
    errors.GeneralError,
    errors.FunctionFailed,
    errors.EncryptedDataInvalid,
    errors.EncryptedDataLenRange,
    errors.DataInvalid,
    errors.DataLenRange,
)
_NO_GCM = (
    errors.MechanismInvalid,
    errors.MechanismParamInvalid,
    errors.FunctionNotSupported,
    errors.KeyTypeInconsistent,
)


@contextmanager
def opened(rest: str) -> Generator[Keeper]:
    """Opens the token that an address names, while the block lasts. Raises KeysUnusable, and
    KeysAway when the token is not there."""
    named = _attributes(rest)
    name = f"the token {named['token']!r}"
    pin_file, pin = read_credential(named["pin-source"].removeprefix("file:"))
    library = _library(credential(named["module-path"]))
    try:
        token = _token(library, named)
        try:
            with token.open(user_pin=pin.decode(errors="replace").strip()) as session:
                yield _Token(name, named["object"], _keys(session, named))
        except _WRONG_PIN:
            raise KeysUnusable(
                f"{name} refuses the PIN in {pin_file}. Correct it there. It is not tried again by "
                "itself: after some wrong PINs a token locks itself."
            ) from None
        except _LOCKED as error:
            raise KeysUnusable(
                f"{name} lets nobody in ({type(error).__name__}). Set its PIN with the program of "
                f"its maker, and write the same into {pin_file}."
            ) from None
        except _NO_GCM as error:
            raise KeysUnusable(
                f"{name} cannot use {named['object']!r} for AES-GCM ({type(error).__name__}). Make "
                "an AES key of 256 bits there that encrypts and decrypts."
            ) from None
        except errors.PKCS11Error as error:
            raise KeysAway(
                f"{name} does not work ({type(error).__name__}). Plug it in again, or start what "
                "connects to it; its maker's manual says what that means."
            ) from None
    finally:
        library.finalize()


def _attributes(rest: str) -> Mapping[str, str]:
    path, _, query = rest.partition("?")
    pairs = [each.partition("=") for each in (*path.split(";"), *query.split("&")) if each]
    named = {
        # An id is bytes, and the rest is text (RFC 7512, section 2.3).
        name: unquote(value, "latin-1" if name == "id" else "utf-8")
        for name, _, value in pairs
    }
    if "pin-value" in named:
        raise KeysUnusable(
            "the address of a token has its PIN in it, and stands where others read it. Write the "
            "PIN into a file of its own and name that as pin-source; then change the PIN."
        )
    missing, unknown = _NEEDED - named.keys(), named.keys() - _NEEDED - _OPTIONAL
    if missing or unknown:
        wrong = [f"lacks {each}" for each in sorted(missing)]
        wrong += [f"has {each!r}, which is not read here" for each in sorted(unknown)]
        raise KeysUnusable(
            f"the address of a token {' and '.join(wrong)}. It is pkcs11:token=…;object=…"
            "?module-path=…&pin-source=… (RFC 7512)."
        )
    return named


def _library(path: Path) -> Any:
    try:
        return pkcs11.lib(os.fspath(path))
    except errors.PKCS11Error:
        raise KeysUnusable(
            f"{path} cannot be loaded as a PKCS#11 library. Install the token's software, or "
            "correct module-path."
        ) from None


def _token(library: Any, named: Mapping[str, str]) -> Any:
    try:
        there = list(library.get_tokens())
    except errors.PKCS11Error as error:
        raise KeysAway(
            f"the library {library.so} finds no tokens ({type(error).__name__}). Start what "
            "connects to them."
        ) from None
    serial = named.get("serial", "").encode()
    for token in there:
        if token.label == named["token"] and (not serial or token.serial == serial):
            return token
    # A slot may hold a token that nobody has set up yet.
    others = ", ".join(repr(token.label) for token in there if token.label) or "none"
    raise KeysAway(
        f"the token {named['token']!r} is not there; there is {others}. Plug it in, or start what "
        "connects to it. What runs already goes on without it."
    )


def _keys(session: Any, named: Mapping[str, str]) -> dict[str, Any]:
    """Returns the keys by their ids, the newest first. Raises KeysUnusable when there is none."""
    wanted: dict[Attribute, object] = {
        Attribute.CLASS: ObjectClass.SECRET_KEY,
        Attribute.KEY_TYPE: KeyType.AES,
        Attribute.LABEL: named["object"],
    }
    if "id" in named:
        wanted[Attribute.ID] = named["id"].encode("latin-1")
    found = {key[Attribute.ID].hex(): key for key in session.get_objects(wanted)}
    if not found:
        raise KeysUnusable(
            f"the token {named['token']!r} holds no AES key {named['object']!r} that its user sees."
            " Make one there, or correct object; the label of a key is not that of its token."
        )
    return dict(sorted(found.items(), key=lambda each: int(each[0] or "0", 16), reverse=True))


class _Token:
    def __init__(self, name: str, label: str, keys: dict[str, Any]) -> None:
        self._name = name
        self._label = label
        self._keys = keys
        self._newest = next(iter(keys))

    def wrap(self, secret: bytes, purpose: str) -> Wrapped:
        nonce = os.urandom(_NONCE)
        sealed = self._keys[self._newest].encrypt(secret, **_gcm(nonce, purpose))
        return Wrapped(self._newest, nonce + sealed)

    def unwrap(self, wrapped: Wrapped, purpose: str) -> bytes:
        key = self._keys.get(wrapped.key_id)
        if key is None:
            raise KeysUnusable(
                f"{self._name} does not hold the key {self._label!r} with the id {wrapped.key_id} "
                "any more, which is needed. Restore it there from the token's backup."
            )
        nonce, sealed = wrapped.wrapped[:_NONCE], wrapped.wrapped[_NONCE:]
        try:
            return key.decrypt(sealed, **_gcm(nonce, purpose))
        except _ALTERED as error:
            raise KeysUnusable(
                f"{self._name} does not open what it has wrapped ({type(error).__name__}): that "
                "was altered. Restore it from the backup of the keys."
            ) from None

    def is_newest(self, key_id: str) -> bool:
        return key_id == self._newest


def _gcm(nonce: bytes, purpose: str) -> dict[str, object]:
    return {
        "mechanism": Mechanism.AES_GCM,
        "mechanism_param": GCMParams(nonce, purpose.encode(), 128),
    }
