"""A real OpenID provider on loopback, and somebody who signs in there."""

import json
import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import httpx
from werkzeug.serving import make_server

_STYLESHEET = re.compile(r"<link\b[^>]*>")

Forge = Callable[[str], str]
"""Makes another ID token of one."""


@dataclass
class IdentityProvider:
    issuer: str
    http: httpx.Client = field(repr=False)
    asked: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    """The forms in which it was asked for tokens."""
    forge: Forge | None = None
    """What becomes of the ID tokens that it gives."""

    def signs_in(self, place: str, subject: str, **claims: object) -> str:
        """Signs in at the address to which a browser was sent, and returns where it leads back.
        `claims` stand in the ID token, also in the place of those that stand there."""
        self.knows(subject, **claims)
        return self._answer(place, sub=subject)

    def knows(self, subject: str, **claims: object) -> None:
        """Gives somebody an account there."""
        self.http.put(f"/users/{subject}", json=claims).raise_for_status()

    def cancels(self, place: str) -> str:
        return self._answer(place, action="deny")

    def _answer(self, place: str, **form: str) -> str:
        answer = self.http.post(place, data=form)
        assert answer.is_redirect, answer.text
        return answer.headers["location"]


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    with warnings.catch_warnings():
        # It imports what its library has moved.
        warnings.simplefilter("ignore")
        import oidc_provider_mock

        app = oidc_provider_mock.app()
    # It tells of every request.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("localhost", 0, app, threaded=True)
    issuer = f"http://localhost:{server.server_port}"
    with httpx.Client(base_url=issuer, verify=False, trust_env=False) as http:
        provider = IdentityProvider(issuer, http)

        @app.after_request
        def look(answer: flask.Response) -> flask.Response:
            if flask.request.path == "/oauth2/token":
                provider.asked.append(flask.request.form.to_dict())
                told: Any = answer.get_json()
                if provider.forge is not None:
                    told["id_token"] = provider.forge(told["id_token"])
                    answer.set_data(json.dumps(told))
            elif flask.request.path == "/oauth2/authorize" and "location" in answer.headers:
                to = answer.headers["location"]
                if "state" not in parse_qs(urlsplit(to).query):
                    # It leaves it out of refusals, which RFC 6749, section 4.1.2.1, does not allow.
                    answer.headers["location"] = f"{to}&state={flask.request.args['state']}"
            elif answer.mimetype == "text/html":
                # Its pages ask somebody else on the Internet for what they look like.
                answer.set_data(_STYLESHEET.sub("", answer.get_data(as_text=True)))
            return answer

        del look
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
