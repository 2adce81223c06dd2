"""A manager at the console of a service that runs in a process of its own."""

import re
from pathlib import Path

import pytest

from cloud.__main__ import main
from tests.support.phone import Phone


class Manager:
    """Whom a command has given a link, by which they have made a passkey."""

    def __init__(self, origin: str, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """`state` is the service's folder."""
        add = ["staff", "add-user", "Sam", "--role", "merchant", "--merchant", "first"]
        assert main(["--state", str(state), *add]) == 0
        (link,) = re.findall(r"/console/register/[\w-]+", capsys.readouterr().out)
        self._browser = Phone(origin, state / "ca.pem")
        assert self._browser.makes_passkey(link).url.path == "/console"

    def gives_back(self, reference: str, amount: str) -> None:
        """Finds a sale by what stands on its receipt, and gives a part of it back."""
        browser = self._browser
        listed = browser.opens(f"/console/sales?reference={reference}")
        (sale,) = set(re.findall(r"/console/sales/[0-9a-f]{32}", listed.text))
        asks = f"{sale}/refund"
        page = browser.sends(browser.opens(asks), asks, amount=amount, reason="returned")
        done = browser.sends(page, f"{asks}/give")
        assert done.url.path == sale, "nothing was given back"

    def close(self) -> None:
        self._browser.close()
