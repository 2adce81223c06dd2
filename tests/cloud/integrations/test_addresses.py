"""Webhooks lead nowhere into the operator's network."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloud.integrations.addresses import NotAllowed, Target, addresses_of, check, resolve
from tests.support.served import PATIENCE_S

INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "::ffff:10.1.2.3",
    "64:ff9b::a01:203",
    "64:ff9b:1::a01:203",
    "::a01:203",
    "fec0::1",
    "2002:a01:203::1",
    "2001::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_refused(address: str):
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(NotAllowed, match="not a public one"):
        check(f"https://{host}/hook", private=False)


@pytest.mark.parametrize("host", ["a" * 70 + ".com", "a..b", "xn--"])
def test_a_name_that_nothing_can_look_up_is_refused_when_it_is_given(host: str):
    with pytest.raises(NotAllowed, match="no URL"):
        check(f"https://{host}/hook", private=False)


def test_a_name_in_another_script_is_one():
    assert check("https://bücher.example/hook", private=False).host == "bücher.example"


def test_a_name_is_looked_up_while_all_threads_that_others_share_are_busy():
    """As the other way round: a name that nobody answers for keeps none of those."""

    async def look_up() -> list[str]:
        loop, may_end = asyncio.get_running_loop(), threading.Event()
        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, may_end.wait)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await addresses_of("localhost", 443)
        finally:
            may_end.set()
            await busy

    assert asyncio.run(look_up())


def resolved(url: str, *addresses: str, private: bool = False) -> Target:
    """Returns where a request goes, with a name that has these addresses."""

    async def look_up(_: str, __: int) -> list[str]:
        return list(addresses)

    return asyncio.run(resolve(url, private=private, look_up=look_up))


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused(address: str):
    with pytest.raises(NotAllowed, match="not a public one"):
        resolved("https://example.com/hook", "93.184.215.14", address)


def test_the_request_goes_to_the_address_that_was_looked_at_with_the_name_for_the_certificate():
    target = resolved("https://example.com:8443/hook?a=1", "93.184.215.14")
    assert str(target.url) == "https://93.184.215.14:8443/hook?a=1"
    assert (target.host, target.name) == ("example.com:8443", "example.com")
    target = resolved("https://example.com/hook", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")
    assert str(target.url) == "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/hook"


def test_a_site_may_allow_its_own_networks_and_plain_http_on_this_machine():
    assert resolved("https://till.local/hook", "10.1.2.3", private=True).host == "till.local"
    assert check("http://127.0.0.1:8000/hook", private=True)
    assert check("http://localhost:8000/hook", private=True)
    for refused in ("http://10.1.2.3/hook", "http://till.local/hook", "https://0.0.0.0/"):
        with pytest.raises(NotAllowed):
            check(refused, private=True)


def test_a_name_that_is_not_known_is_told_as_such():
    async def look_up(_: str, __: int) -> list[str]:
        raise socket.gaierror

    with pytest.raises(socket.gaierror):
        asyncio.run(resolve("https://example.com", private=False, look_up=look_up))
