"""Where webhooks may be sent: what an integrator gives must lead nowhere into the operator's
network (SSRF, OWASP ASVS 5.0, 1.3.6).

The name is looked up for each delivery, and the connection is made to an address that was looked
at: a name that leads elsewhere a moment later leads nowhere.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

LONGEST = 512
"""The largest number of characters of an address."""
_NAT64 = ip_network("64:ff9b::/96")
"""In it an IPv6 address stands for an IPv4 address (RFC 6052)."""
_GIVEN_OUT = ip_network("2000::/3")
"""Where all public IPv6 addresses are (IANA, Internet Protocol Version 6 Address Space). Python
calls others global, too: a network may translate some of them (RFC 8215) or route them itself."""


_LOOKING_UP = ThreadPoolExecutor(64, "names of receivers")
"""Threads of their own. Whoever has given a name may see to it that nobody answers for it, which
takes a thread half a minute; on those that all others share, palms are searched."""


class NotAllowed(ValueError):
    """Nothing is sent there: the message says why, and is told to whoever gave the address."""


LookUp = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host, which is connected to at a port."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request is sent to."""

    url: httpx.URL
    """With an address in the place of the host name."""
    host: str
    """The header `Host`."""
    name: str
    """The name that the certificate has to be for."""


def check(address: str, *, private: bool) -> httpx.URL:
    """Returns the URL that somebody has given. With `private` it may be plain HTTP on this machine.
    Raises NotAllowed."""
    try:
        url = httpx.URL(address)
        # A name that is no name in IDNA either shows here, or only when it is looked up.
        url.host.encode("idna")
    except (httpx.InvalidURL, ValueError):
        raise NotAllowed("that is no URL") from None
    if len(address) > LONGEST or not url.host or url.userinfo or url.fragment:
        raise NotAllowed(
            f"it is a host and a path of at most {LONGEST} characters, without user and fragment"
        )
    on_this_machine = url.host == "localhost" or _is_loopback(url.host)
    if url.scheme != "https" and not (url.scheme == "http" and private and on_this_machine):
        raise NotAllowed("it begins with https://")
    literal = _literal(url.host)
    if literal is not None:
        _must_be_allowed(literal, private=private)
    return url


async def addresses_of(host: str, port: int) -> list[str]:
    """Returns the addresses of a host. Raises OSError when there is no such name."""
    try:
        look_up = partial(socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        found = await asyncio.get_running_loop().run_in_executor(_LOOKING_UP, look_up)
    except UnicodeError:
        raise OSError("that is no name of a host") from None
    return [str(each[4][0]) for each in found]


async def resolve(address: str, *, private: bool, look_up: LookUp = addresses_of) -> Target:
    """Returns where a request to a URL goes. Raises NotAllowed, and what `look_up` raises."""
    url = check(address, private=private)
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await look_up(url.host, port)
    addresses = [ip_address(each.partition("%")[0]) for each in found]
    for each in addresses:
        _must_be_allowed(each, private=private)
    return Target(url.copy_with(host=str(addresses[0])), url.netloc.decode("ascii"), url.host)


def _must_be_allowed(address: IPv4Address | IPv6Address, *, private: bool) -> None:
    meant = _meant(address)
    if private and not (meant.is_multicast or meant.is_unspecified):
        return
    is_given_out = isinstance(meant, IPv4Address) or meant in _GIVEN_OUT
    if not (meant.is_global and is_given_out) or meant.is_multicast:
        raise NotAllowed("it leads to an address that is not a public one")


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Returns the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    literal = _literal(host)
    return literal is not None and literal.is_loopback
