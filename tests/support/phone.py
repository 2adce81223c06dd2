"""A phone, on which pages of a real service's portal or console are opened."""

import re
import ssl
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.support.passkeys import Authenticator
from tests.support.portal import forms


class Phone:
    """A phone on which pages of the portal and of the payment provider are opened."""

    def __init__(self, url: str, ca: Path) -> None:
        trusted = ssl.create_default_context(cafile=ca)
        self._http = httpx.Client(
            base_url=url, verify=trusted, trust_env=False, timeout=60, follow_redirects=True
        )

    def opens(self, path: str) -> httpx.Response:
        return self._http.get(path, headers={"sec-fetch-site": "none"})

    def sends(self, page: httpx.Response, action: str, **typed: str) -> httpx.Response:
        return self._posts(action, {**forms(page)[action].fields, **typed})

    def makes_passkey(self, link: str) -> httpx.Response:
        """Makes a passkey by a link to the console, and returns the page of who is signed in."""
        page = self.opens(link)
        asked = self._posts(f"{link}/options", forms(page)[link].fields)
        origin = str(self._http.base_url).rstrip("/")
        made = Authenticator().make(asked.text, origin=origin)
        return self.sends(page, link, credential=made)

    def _posts(self, action: str, fields: Mapping[str, str]) -> httpx.Response:
        headers = {"sec-fetch-site": "same-origin", "origin": "null"}
        return self._http.post(action, data=dict(fields), headers=headers)

    def saves_card(self, page: httpx.Response) -> httpx.Response:
        """Saves a card on the provider's page that a page leads to, and comes back."""
        (link,) = re.findall(r'href="(http://[^"]+)"', page.text)
        with httpx.Client(trust_env=False, verify=False) as elsewhere:
            elsewhere.post(link, data={"number": "4242 4242 4242 4242", "name": "Alex Doe"})
        return self.opens("/portal/begin/card/back")

    def follows(self, url: str) -> None:
        """Opens the portal at another address from now on; the phone's cookies go along."""
        self._http.base_url = url

    def close(self) -> None:
        self._http.close()


def begun_code(page: httpx.Response) -> str:
    """Returns the digits of the code for the kiosk that a page shows."""
    (digits,) = re.findall(r"<strong>([0-9 ]{14})</strong>", page.text)
    return digits.replace(" ", "")
