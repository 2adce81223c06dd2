"""The service's own certificate authority: it is made on the first run, and devices pin it.

A renewed certificate keeps its key, so that each renewal replaces one file: after a power cut the
old certificate or the new one is there, and both fit the key. A renewed authority also keeps its
name. Devices that still have the old `ca.pem` accept the service until that file expires.
"""

import logging
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.settings import Serving, is_host
from cloud.state import State, StateDamaged
from protocol import RELEASED
from protocol.files import alone, read_if_there, write_private
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)

AUTHORITY_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
RENEW_AUTHORITY_BEFORE = timedelta(days=90)
"""Devices on other machines have to be given the new file in this time."""
CLOCKS_DIFFER = timedelta(hours=1)
"""A certificate is valid from so long before it was made: a kiosk's clock may be behind."""

_Names = x509.SubjectAlternativeName
_LOCAL = ("localhost", "127.0.0.1", "::1")
_WILDCARDS = ("", "0.0.0.0", "::")  # noqa: S104 - nothing is bound here
_OUTSIDE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses for documentation (RFC 5737, RFC 3849). Nothing is sent to them."""


class ClockBehind(RuntimeError):
    """The clock is before the release of this software, so no certificate can be made: the message
    tells the remedy."""


def names(serving: Serving) -> list[str]:
    """Returns the names and addresses that the certificate is for; the first is announced.

    They are those of the settings, the address that is listened on (or this machine's own, when it
    listens on all of them), this machine's name, and loopback.
    """
    listens = _listens(serving)
    own = _addresses() if listens in _WILDCARDS else [listens]
    found = [*serving.names, *own, *_LOCAL, socket.gethostname()]
    # The name of a machine is whatever somebody called it: a certificate holds host names only.
    return list(dict.fromkeys(name.lower() for name in found if is_host(name)))


def _listens(serving: Serving) -> str:
    return serving.host.strip("[]")


def _addresses() -> list[str]:
    """Returns the addresses under which this machine reaches others."""
    found: list[str] = []
    for family, outside in _OUTSIDE:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            # Connecting a datagram socket only chooses a route.
            probe.connect((outside, 9))
            found.append(probe.getsockname()[0])
    return found


def ensure(state: State, serving: Serving | None = None, now: datetime | None = None) -> bool:
    """Makes the authority and the server's certificate where they are missing. Renews each that
    expires soon or is not valid by this clock, and the server's when its names have changed.
    Returns whether the server's certificate is another one now.

    By a clock before the release of this software nothing is made or renewed. Raises ClockBehind
    when something is missing then, StateDamaged, and OSError.
    """
    with alone(state.master_key.parent):
        return _ensure(state, serving or Serving(), now or datetime.now(UTC))


def _ensure(state: State, serving: Serving, now: datetime) -> bool:
    authority, key = _authority(state, now)
    path, key_path = state.key("server.pem"), state.key("server.key")
    certificate, server_key = _read(path, key_path)
    if server_key is not None and certificate is not None and not _fit(certificate, server_key):
        # Renewing was interrupted, by a version that wrote the key first.
        certificate = None
    wanted = [_general(name) for name in names(serving)]
    if certificate is not None and (
        now < RELEASED
        or not (
            _is_due(certificate, now, RENEW_BEFORE)
            or not _is_issued_by(certificate, authority)
            or _are_others(wanted, _names_of(certificate), serving)
        )
    ):
        return False
    _refuse_early(now)
    server_key = server_key or _make_key(key_path)
    renewed = (
        _builder(_name("Palm Kiosk service"), authority.subject, server_key, SERVER_LIFE, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(wanted), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    write_private(path, renewed.public_bytes(Encoding.PEM))
    if certificate is not None:
        log.info("the server's certificate was renewed: %s", _told(renewed))
    return True


def _authority(state: State, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    path, key_path = state.ca, state.key("ca.key")
    certificate, key = _read(path, key_path)
    if certificate is not None and key is not None:
        if not _fit(certificate, key):
            raise _damaged(path, key_path)
        if now < RELEASED or not _is_due(certificate, now, RENEW_AUTHORITY_BEFORE):
            return certificate, key
    _refuse_early(now)
    key = key or _make_key(key_path)
    name = certificate.subject if certificate is not None else _authority_name(key)
    renewed = (
        _builder(name, name, key, AUTHORITY_LIFE, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_private(path, renewed.public_bytes(Encoding.PEM))
    if certificate is not None:
        log.warning(
            "the certificate authority (%s) was renewed (%s): copy the new %s to every kiosk on "
            "another machine, as long as the old one is valid",
            _told(certificate),
            _told(renewed),
            path,
        )
    return renewed, key


def _refuse_early(now: datetime) -> None:
    """Raises ClockBehind by a clock before the release: what is made then may have expired before
    the clock is set right."""
    if now < RELEASED:
        raise ClockBehind(
            f"this machine's clock says {now:%Y-%m-%d}, which is before this software was released "
            f"({RELEASED:%Y-%m-%d}), so no certificate can be made. Set the clock, switch the "
            "system's time synchronisation on, and start the service again."
        )


def _is_due(certificate: x509.Certificate, now: datetime, before: timedelta) -> bool:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now < begins or ends - now < before


def _is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _names_of(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(_Names).value)
    except x509.ExtensionNotFound:
        return []


def _are_others(
    wanted: list[x509.GeneralName], present: list[x509.GeneralName], serving: Serving
) -> bool:
    """Returns whether a certificate for the names `present` has to be made anew. While a machine
    that listens on all addresses is off the network, the ones it had are kept for its return."""
    if _listens(serving) in _WILDCARDS and not _addresses():
        return not set(wanted) <= set(present)
    return set(wanted) != set(present)


def _general(name: str) -> x509.GeneralName:
    try:
        # An address on the local link may name its interface, which no certificate does.
        return x509.IPAddress(ip_address(name.partition("%")[0]))
    except ValueError:
        return x509.DNSName(name)


def _told(certificate: x509.Certificate) -> str:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return f"valid from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}"


def _read(
    path: Path, key_path: Path
) -> tuple[x509.Certificate | None, ec.EllipticCurvePrivateKey | None]:
    """Returns a certificate and its key, None for what is not there. A key alone is what a first
    start that was interrupted leaves."""
    try:
        pem, key_pem = read_if_there(path), read_if_there(key_path)
        certificate = None if pem is None else x509.load_pem_x509_certificate(pem)
        key = None if key_pem is None else load_pem_private_key(key_pem, None)
    except OSError as error:
        raise StateDamaged(" ".join(cause_and_remedy(error))) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause, which may quote the key.
        raise _damaged(path, key_path) from None
    if certificate is not None and key is None:
        raise _damaged(path, key_path)
    if key is not None and not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _damaged(path, key_path)
    return certificate, key


def _fit(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    try:
        return certificate.public_key() == key.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False


def _damaged(path: Path, key_path: Path) -> StateDamaged:
    return StateDamaged(
        f"{path} or {key_path} is damaged. Restore both from a backup, or remove both: "
        "new ones are made, and every device must be given the new ca.pem."
    )


def _make_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def _authority_name(key: ec.EllipticCurvePrivateKey) -> x509.Name:
    """Returns a name that no other authority has."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _name(f"Palm Kiosk authority {sha256(public).hexdigest()[:19]}")


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    life: timedelta,
    now: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
