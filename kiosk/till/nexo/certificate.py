"""The certificate by which tills know the kiosk's door.

Tills are given it as a file, or compare its fingerprint, so it is made once and lives long.
"""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from kiosk.faults import FileUnusable
from protocol import RELEASED
from protocol.files import read_if_there, write_private
from protocol.sealed import SealedPath
from protocol.storage import cause_and_remedy

_PLAIN = b"-----BEGIN PRIVATE KEY-----"
LIFE = timedelta(days=3650)
CLOCKS_DIFFER = timedelta(days=1)
"""The certificate is valid from so long before it was made: a till's clock may be behind."""


def ensure(file: SealedPath, name: str) -> x509.Certificate:
    """Returns the certificate in a PEM file that also holds its key, which is encrypted; both are
    made when the file is missing. `name` is its common name, which some tills' libraries compare.

    Raises FileUnusable. A file that is damaged is left as it is.
    """
    path = file.path
    try:
        content = read_if_there(path)
        if content is None:
            content = _made(file, name)
            write_private(path, content)
        certificate = x509.load_pem_x509_certificate(content)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, password=passphrase(file))
        if _PLAIN in content:
            # Of a version from before.
            write_private(path, _pem(file, load_pem_private_key(content, None), certificate))
    except (ValueError, ssl.SSLError):
        raise FileUnusable(
            path,
            f"The certificate of the till's door in {path} is damaged.",
            "Restore it, or remove it to have a new one made, which the tills must be given then.",
        ) from None
    except OSError as error:
        raise FileUnusable(path, *cause_and_remedy(error)) from None
    return certificate


def passphrase(file: SealedPath) -> str:
    """Returns what the key in the file is encrypted with: the file is read by OpenSSL, which knows
    no sealed ones."""
    return file.key.hex()


def public_part(path: Path) -> bytes:
    """Returns the certificate in a file without its key, as PEM: what tills are given. Raises
    OSError and ValueError."""
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.PEM)


def fingerprint(path: Path) -> str:
    """Returns the SHA-256 fingerprint of the certificate in a file, in pairs of hexadecimal digits.
    Raises OSError and ValueError."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _made(file: SealedPath, name: str) -> bytes:
    now = datetime.now(UTC)
    if now < RELEASED:
        raise FileUnusable(
            file.path,
            f"This machine's clock says {now:%Y-%m-%d}, so no certificate can be made for tills.",
            "Set the clock, and switch the system's time synchronisation on.",
        )
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + LIFE)
        # A till that is given the file trusts it as an authority, too.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName(_names(name)), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pem(file, key, certificate)


def _pem(file: SealedPath, key: PrivateKeyTypes, certificate: x509.Certificate) -> bytes:
    encryption = BestAvailableEncryption(passphrase(file).encode())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    return private + certificate.public_bytes(Encoding.PEM)


def _names(name: str) -> list[x509.GeneralName]:
    names = dict.fromkeys([name, "localhost", socket.gethostname()])
    # The name of a machine is whatever somebody called it: a certificate holds ASCII only.
    hosts = [x509.DNSName(each) for each in names if each.isascii() and " " not in each]
    return [*hosts, *(x509.IPAddress(ip_address(each)) for each in ("127.0.0.1", "::1"))]
