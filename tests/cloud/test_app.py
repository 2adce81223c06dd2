"""The application: its version, and what it has in the sandbox only."""

import asyncio
import tomllib
from dataclasses import replace
from pathlib import Path

import httpx

from cloud.app import create_app
from tests.support.served import Served


def test_the_version_stands_in_one_place():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "protocol.VERSION"}


def test_the_simulated_phone_exists_in_the_sandbox_only(served: Served):
    sandboxed = {path for path in app_paths(served, sandbox=True) if "sandbox" in path}
    assert sandboxed
    assert not sandboxed & app_paths(served, sandbox=False)


def app_paths(served: Served, *, sandbox: bool) -> set[str]:
    return set(create_app(replace(served.context, sandbox=sandbox)).openapi()["paths"])


def test_the_simulated_phone_is_read_on_this_machine_only(served: Served):
    app = create_app(served.context)

    async def read(address: str) -> int:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://service") as client:
            return (await client.get("/v1/sandbox/messages")).status_code

    # A socket of both families tells an IPv4 address as one of IPv6.
    for ours in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert asyncio.run(read(ours)) == 200
    for other in ("192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"):
        assert asyncio.run(read(other)) == 404
