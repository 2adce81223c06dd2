"""The sandbox's pages on which test cards are saved and payments confirmed by phone; they run in
localstripe's process.

localstripe has no Checkout. This speaks that part of Stripe's API
(https://docs.stripe.com/api/checkout/sessions, in the mode `setup`), and serves the pages that it
opens. As at Stripe, only this process hears the number that is typed, and the card's bank asks its
holder here: the test card 4000 0027 6000 3184 is asked, and 4000 0000 0000 0002 is declined.
Pages live as long as the process.
"""

import base64
import html
import json
import secrets
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

BRANDS = {
    "4242424242424242": "visa",
    "5555555555554444": "mastercard",
    "4000000000000341": "visa",
    "4000002760003184": "visa",
    "4000000000000002": "visa",
}
"""The test cards that are taken, by their numbers."""
ASKED_BY_BANK = {"4000002760003184"}
KEY = base64.b64encode(b"sk_test_sandbox:").decode()
MAX_FORM = 64 * 1024

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Save a test card</title>
<style>body{{font:18px system-ui;max-width:26em;margin:2em auto;padding:0 1em}}
input,button{{font:inherit;display:block;width:100%;box-sizing:border-box;margin:.4em 0 1em;
padding:.6em}}</style><h1>{title}</h1><p>{text}</p>{form}</html>"""
_FORM = """<form method="post"><label>Card number<input name="number" inputmode="numeric"
autocomplete="off" required></label><label>Name on the card<input name="name" autocomplete="off">
</label><button>Save card</button></form>"""
_BANK = """<form method="post"><button name="bank" value="yes">It is me</button>
<button name="bank" value="no">It is not me</button></form>"""


class Refused(Exception):
    """localstripe does not take a card."""


@dataclass
class Session:
    session_id: str
    customer: str
    success_url: str
    reference: str
    status: str = "open"
    method: dict[str, Any] | None = None
    asked: tuple[str, str] | None = field(default=None, repr=False)
    """The number and the name that wait for the bank's question to be answered."""


class Pages:
    """Listens on loopback at `port`, and saves cards at the localstripe at `stripe_url`."""

    def __init__(self, port: int, stripe_url: str) -> None:
        self._stripe_url = stripe_url
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = min(int(self.headers.get("content-length") or 0), MAX_FORM)
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                status, kind, body, place = pages.answer(self.command, self.path, form)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                if place:
                    self.send_header("location", place)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815 - http.server's names

            def log_message(self, format: str, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Serves in a thread that ends with the process."""
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(
        self, method: str, path: str, form: dict[str, str]
    ) -> tuple[int, str, bytes, str | None]:
        """Returns status, type and body of an answer, and where it leads to."""
        parts = urlsplit(path)
        words = parts.path.strip("/").split("/")
        with self._lock:
            if words[:3] == ["v1", "checkout", "sessions"]:
                status, told = self._api(method, words[3:], form, dict(parse_qsl(parts.query)))
                return status, "application/json", json.dumps(told).encode(), None
            if words[0] == "p" and len(words) == 2:
                return self._payment_page(method, words[1], form)
            session = self._sessions.get(words[1]) if words[0] == "c" and len(words) == 2 else None
            if words == ["saved"]:
                return _html(200, "Done", "Look at the kiosk: it goes on by itself.")
            if session is None or session.status != "open":
                return _html(404, "This page is closed", "Ask the kiosk for another code.")
            return self._page(method, session, form)

    def _api(
        self, method: str, words: list[str], form: dict[str, str], query: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        if method == "POST" and not words:
            return 200, self._told(self._open(form))
        if not words:
            listed = [
                self._told(session)
                for session in self._sessions.values()
                if session.customer == query.get("customer")
                and session.status == query.get("status", session.status)
            ]
            url = "/v1/checkout/sessions"
            return 200, {"object": "list", "url": url, "has_more": False, "data": listed}
        session = self._sessions.get(words[0])
        if session is None:
            return 404, _error("resource_missing")
        if words[1:] == ["expire"]:
            if session.status != "open":
                return 400, _error("session_not_open")
            session.status = "expired"
        return 200, self._told(session)

    def _open(self, form: dict[str, str]) -> Session:
        reference = form.get("metadata[reference]", "")
        for session in self._sessions.values():
            if session.reference == reference:
                return session
        session_id = f"cs_test_{secrets.token_hex(16)}"
        session = Session(session_id, form["customer"], form["success_url"], reference)
        self._sessions[session_id] = session
        return session

    def _told(self, session: Session) -> dict[str, Any]:
        intent = session.method and {
            "id": f"seti_{session.session_id[8:]}",
            "object": "setup_intent",
            "status": "succeeded",
            "payment_method": session.method,
        }
        return {
            "id": session.session_id,
            "object": "checkout.session",
            "mode": "setup",
            "status": session.status,
            "customer": session.customer,
            "url": f"{self.url}/c/{session.session_id}" if session.status == "open" else None,
            "setup_intent": intent,
        }

    def _page(
        self, method: str, session: Session, form: dict[str, str]
    ) -> tuple[int, str, bytes, str | None]:
        if method != "POST":
            session.asked = None
            return _html(200, "Save a test card", "No real card is taken here.", _FORM)
        if session.asked is None:
            number, name = form.get("number", "").replace(" ", ""), form.get("name", "")
            if number not in BRANDS:
                return _html(200, "Not a test card", "Please try 4242 4242 4242 4242.", _FORM)
            if number in ASKED_BY_BANK:
                session.asked = number, name
                return _html(200, "Your bank asks", "Are you saving this card?", _BANK)
        else:
            number, name = session.asked
            session.asked = None
            if form.get("bank") != "yes":
                return _html(200, "Not saved", "Your bank did not agree.", _FORM)
        try:
            session.method = self._save(session.customer, number, name)
        except Refused:
            return _html(200, "Declined", "Please try another card.", _FORM)
        session.status = "complete"
        return 303, "text/html", b"", session.success_url

    def _payment_page(
        self, method: str, payment: str, form: dict[str, str]
    ) -> tuple[int, str, bytes, str | None]:
        """The page on which the card's holder confirms a payment that the bank asks about."""
        try:
            intent = self._ask(f"payment_intents/{payment}")
            if intent["status"] != "requires_action":
                return _html(404, "This page is closed", "Nothing is to be confirmed here.")
            if method != "POST":
                return _html(200, "Your bank asks", "Do you confirm this payment?", _BANK)
            told = {
                "client_secret": intent["client_secret"],
                "success": "true" if form.get("bank") == "yes" else "false",
            }
            self._ask(f"payment_intents/{payment}/_authenticate", told)
        except Refused:
            return _html(404, "This page is closed", "Nothing is to be confirmed here.")
        return 303, "text/html", b"", "/saved"

    def _save(self, customer: str, number: str, name: str) -> dict[str, Any]:
        """Returns the payment method that a card becomes. Raises Refused."""
        card = {
            "card[number]": number,
            "card[exp_month]": "12",
            "card[exp_year]": "2040",
            "card[cvc]": "123",
        }
        made = self._ask("payment_methods", {"type": "card", **card})
        told = {"brand": BRANDS[number], "last4": number[-4:], "exp_month": 12, "exp_year": 2040}
        self._ask(f"payment_methods/{made['id']}/attach", {"customer": customer})
        return {
            "id": made["id"],
            "object": "payment_method",
            "card": told,
            "billing_details": {"name": name or None},
        }

    def _ask(self, path: str, fields: dict[str, str] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - localstripe on loopback
            f"{self._stripe_url}/v1/{path}",
            None if fields is None else urlencode(fields).encode(),
            {"authorization": f"Basic {KEY}"},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()
            raise Refused from None


def _html(status: int, title: str, text: str, form: str = "") -> tuple[int, str, bytes, str | None]:
    page = _PAGE.format(title=html.escape(title), text=html.escape(text), form=form)
    return status, "text/html; charset=utf-8", page.encode(), None


def _error(code: str) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "code": code, "message": code}}
