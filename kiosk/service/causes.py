"""Finds out why nobody answered: looks for the first cause below what the HTTP client raised."""

import errno
import socket
import ssl
from collections.abc import Iterator

import anyio
import httpx

from kiosk.service.errors import Cause

_VERIFY_CODES = {
    2: Cause.UNKNOWN_AUTHORITY,  # unable to get issuer certificate
    7: Cause.UNKNOWN_AUTHORITY,  # signature failure: an authority of the same name, another key
    9: Cause.NOT_YET_VALID,
    10: Cause.EXPIRED,
    18: Cause.UNKNOWN_AUTHORITY,  # self-signed certificate
    19: Cause.UNKNOWN_AUTHORITY,  # self-signed certificate in the chain
    20: Cause.UNKNOWN_AUTHORITY,  # unable to get local issuer certificate
    21: Cause.UNKNOWN_AUTHORITY,  # unable to verify the first certificate
    30: Cause.UNKNOWN_AUTHORITY,  # authority and subject key identifier mismatch
    62: Cause.OTHER_NAME,  # hostname mismatch
    64: Cause.OTHER_NAME,  # IP address mismatch
}
"""X509_V_ERR_… of OpenSSL's x509_vfy.h."""

_ERRNOS = {
    errno.ECONNREFUSED: Cause.CONNECTION_REFUSED,
    errno.ENETUNREACH: Cause.NO_ROUTE,
    errno.EHOSTUNREACH: Cause.NO_ROUTE,
    errno.ENETDOWN: Cause.NO_ROUTE,
    errno.EHOSTDOWN: Cause.NO_ROUTE,
    errno.EADDRNOTAVAIL: Cause.NO_ROUTE,
    errno.ETIMEDOUT: Cause.TIMED_OUT,
    errno.ECONNRESET: Cause.CUT_OFF,
    errno.EPIPE: Cause.CUT_OFF,
}

CERTIFICATE_CAUSES = frozenset(
    {
        Cause.UNKNOWN_AUTHORITY,
        Cause.NOT_YET_VALID,
        Cause.EXPIRED,
        Cause.OTHER_NAME,
        Cause.CERTIFICATE,
    }
)
"""The causes that a new certificate of the service, or of its authority, may end."""


WORDS = {
    Cause.NOT_STARTED: "the service has not started",
    Cause.NAME_NOT_FOUND: "its name is not known. Correct service.url, or this machine's DNS.",
    Cause.NO_ROUTE: "this machine has no way to it. Check the network cable and the router.",
    Cause.CONNECTION_REFUSED: "the machine is there, and no service listens at this port. Start "
    "the service, and compare its port with service.url.",
    Cause.TIMED_OUT: "nothing came back in time. Check the network, the address in service.url "
    "and any firewall.",
    Cause.CUT_OFF: "the connection was closed before the answer came. Look into the service's log.",
    Cause.NOT_TLS: "what listens there does not speak TLS. Compare the port with service.url.",
    Cause.UNKNOWN_AUTHORITY: "its certificate was issued by another authority than service.ca. "
    "Copy the service's present ca.pem to this machine. If nobody has changed the service, "
    "somebody may stand in between.",
    Cause.NOT_YET_VALID: "its certificate is not valid yet by this machine's clock, which says "
    "{now}. Set the clock.",
    Cause.EXPIRED: "its certificate, or its authority's, has expired by this machine's clock, "
    "which says {now}. If that is wrong, set the clock; if not, start the service again and copy "
    "its ca.pem to this machine.",
    Cause.OTHER_NAME: "its certificate does not name this address. Use one that it names, or add "
    "this one to names under [serving] in the service's settings.toml.",
    Cause.CERTIFICATE: "its certificate cannot be accepted. Look into the service's log.",
    Cause.OTHER: "it cannot be reached. Look into both logs.",
}
"""Cause and remedy for the log; `{now}` stands for this machine's date and time."""


def cause_of(error: BaseException) -> Cause:
    """Returns why a request got no answer."""
    found = [cause for each in _below(error) if (cause := _known(each)) is not None]
    # The deepest exception tells the most, and a time-out the least.
    telling = [cause for cause in found if cause is not Cause.TIMED_OUT]
    return (telling or found or [Cause.OTHER])[-1]


def _below(error: BaseException) -> Iterator[BaseException]:
    """Yields an exception and all that led to it."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
        waiting += [e for e in (each.__context__, each.__cause__) if e is not None]


_KINDS: tuple[tuple[tuple[type[BaseException], ...], Cause], ...] = (
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError), Cause.CUT_OFF),
    ((ssl.SSLError,), Cause.NOT_TLS),
    # A UnicodeError is raised for a host name that is none, with a label of 64 characters.
    ((socket.gaierror, UnicodeError), Cause.NAME_NOT_FOUND),
    ((TimeoutError, httpx.TimeoutException), Cause.TIMED_OUT),
    ((anyio.BrokenResourceError, anyio.EndOfStream), Cause.CUT_OFF),
    ((httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError), Cause.CUT_OFF),
)
"""The kinds of exceptions, those that others derive from last."""


def _known(error: BaseException) -> Cause | None:
    if isinstance(error, ssl.SSLWantReadError | ssl.SSLWantWriteError):
        # A handshake that was waiting when it was given up.
        return None
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY_CODES.get(error.verify_code, Cause.CERTIFICATE)
    for kinds, cause in _KINDS:
        if isinstance(error, kinds):
            return cause
    return _ERRNOS.get(error.errno or 0) if isinstance(error, OSError) else None
