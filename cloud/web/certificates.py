"""The service's own certificate authority: it is made on the first run, and devices pin it."""

import socket
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.state import State, StateDamaged
from protocol.files import write_private

AUTHORITY_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)


def ensure(state: State) -> None:
    """Makes the authority if there is none, and the server's certificate if it is missing, expires
    soon or was issued by another authority. Raises StateDamaged."""
    authority = _read(state, state.ca.name) or _make_authority(state)
    server = _read(state, "server.pem")
    now = datetime.now(UTC)
    if (
        server is None
        or server[0].not_valid_after_utc - now < RENEW_BEFORE
        or server[0].issuer != authority[0].subject
    ):
        _make_server(state, authority)


def _read(state: State, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    path = state.ca if name == state.ca.name else state.key(name)
    key_path = state.key(path.stem + ".key")
    if not path.exists():
        return None
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        key = load_pem_private_key(key_path.read_bytes(), None)
    except (ValueError, OSError):
        raise StateDamaged(
            f"{path} or {key_path} is damaged. Restore both from a backup, or remove both: "
            "new ones are made, and every device must be given the new ca.pem."
        ) from None
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return certificate, key


def _make_authority(state: State) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    # The name is random: a server certificate of an earlier authority is recognised by its issuer.
    name = _name(f"Palm Kiosk authority {x509.random_serial_number():x}"[:40])
    certificate = (
        _builder(name, name, key.public_key(), AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(state, state.ca.name, certificate, key)
    return certificate, key


def _make_server(
    state: State, authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
) -> None:
    issuer, issuer_key = authority
    key = ec.generate_private_key(ec.SECP256R1())
    names = [
        x509.DNSName("localhost"),
        x509.DNSName(socket.gethostname()),
        x509.IPAddress(IPv4Address("127.0.0.1")),
        x509.IPAddress(IPv6Address("::1")),
    ]
    certificate = (
        _builder(_name("Palm Kiosk service"), issuer.subject, key.public_key(), SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )
    _write(state, "server.pem", certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # A kiosk's clock may be behind.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
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


def _write(
    state: State, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    path = state.ca if name == state.ca.name else state.key(name)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(state.key(path.stem + ".key"), pem)
    write_private(path, certificate.public_bytes(Encoding.PEM))
