"""Stripe with card readers: the part of its API that drives them (https://docs.stripe.com/api,
Terminal.Reader), which localstripe has not. It keeps what it is told, and a test presents cards.

As at Stripe, the number of a card is known to the reader and to Stripe, and is in no answer."""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.support.stripe_api import Answer, StripeApi, error, listing

READER = "tmr_Counter1"
NUMBER = "4242424242424242"
"""The number of the card that is presented."""

Json = dict[str, Any]
TAP = {"brand": "visa", "last4": "4242", "cardholder_name": "Alex Doe"}


@dataclass
class CardReader:
    """One reader: `action` is what it was told last."""

    label: str = "Counter 1"
    online: bool = True
    busy: bool = False
    action: Json | None = None

    def shown(self, name: str) -> Answer:
        status = "online" if self.online else "offline"
        body = {"id": name, "object": "terminal.reader", "label": self.label, "status": status}
        return Answer(200, {**body, "action": self.action})


@dataclass
class Kept:
    """What Stripe has stored, by name."""

    customers: dict[str, Json] = field(default_factory=dict[str, Json])
    setup_intents: dict[str, Json] = field(default_factory=dict[str, Json])
    payment_intents: dict[str, Json] = field(default_factory=dict[str, Json])
    payment_methods: dict[str, Json] = field(default_factory=dict[str, Json])
    refunds: dict[str, Json] = field(default_factory=dict[str, Json])


Route = tuple[str, Callable[..., Answer]]


class StripeWithReaders(StripeApi):
    """`tap` presents a card at a reader, `fail` has the reader end without one. What `will` has
    prepared is answered first. Numbers of cards that were presented are in `numbers`."""

    def __init__(self) -> None:
        super().__init__()
        self.readers = {READER: CardReader()}
        self.kept = Kept()
        self.numbers: list[str] = []
        self.named: dict[str, str] = {}
        self._ids = itertools.count(1)
        self._routes: list[Route] = [
            (r"POST /customers", self._make_customer),
            (r"GET /customers", self._list_customers),
            (r"DELETE /customers/(\w+)", self._delete_customer),
            (r"POST /setup_intents", self._make_setup),
            (r"GET /setup_intents", self._list_setups),
            (r"GET /setup_intents/(\w+)", self._show_setup),
            (r"POST /setup_intents/(\w+)/cancel", self._cancel_setup),
            (r"GET /payment_methods", self._list_methods),
            (r"POST /payment_methods/(\w+)/detach", self._detach),
            (r"GET /checkout/sessions", self._list_pages),
            (r"GET /terminal/readers/(\w+)", self._show_reader),
            (r"POST /terminal/readers/(\w+)/process_setup_intent", self._process_setup),
            (r"POST /terminal/readers/(\w+)/process_payment_intent", self._process_payment),
            (r"POST /terminal/readers/(\w+)/cancel_action", self._cancel_action),
            (r"POST /payment_intents", self._make_payment),
            (r"GET /payment_intents/(\w+)", self._show_payment),
            (r"POST /payment_intents/(\w+)/capture", self._capture),
            (r"POST /payment_intents/(\w+)/cancel", self._cancel_payment),
            (r"GET /refunds", self._list_refunds),
            (r"POST /refunds", self._refund),
        ]

    # What happens at a reader

    def tap(self, reader: str = READER, *, number: str = NUMBER, keeps: bool = True) -> None:
        """Presents a card that is accepted. Without `keeps`, its bank lets nobody charge it
        later."""
        self.numbers.append(number)
        action = self._action(reader)
        about = action[action["type"]]
        if action["type"] == "process_setup_intent":
            setup = self.kept.setup_intents[about["setup_intent"]]
            self._save(setup, keeps=keeps)
        else:
            # Nothing is charged until it is captured.
            self.tap_all_the_same(about["payment_intent"])
        action["status"] = "succeeded"

    def fail(self, code: str = "customer_canceled", reader: str = READER) -> None:
        """Ends what the reader does without a card that is accepted: `card_declined` is its
        bank's."""
        action = self._action(reader)
        action |= {"status": "failed", "failure_code": code}
        about = action[action["type"]]
        if code == "card_declined" and action["type"] == "process_setup_intent":
            told = {"type": "card_error", "code": code, "decline_code": "do_not_honor"}
            self.kept.setup_intents[about["setup_intent"]]["last_setup_error"] = told
        elif code == "card_declined":
            told = {"type": "card_error", "code": code, "decline_code": "insufficient_funds"}
            card = {"type": "card_present", "card_present": dict(TAP)}
            intent = self.kept.payment_intents[about["payment_intent"]]
            intent["last_payment_error"] = {**told, "payment_method": card}

    def tap_all_the_same(self, payment: str) -> None:
        """Has the issuer agree to a payment for which a card is on its way already."""
        intent = self.kept.payment_intents[payment]
        details = {"type": "card_present", "card_present": dict(TAP)}
        charge = self._new("ch", "charge", payment_method_details=details, captured=False)
        intent |= {"status": "requires_capture", "latest_charge": charge}

    def lists(self, kind: str, *objects: Json) -> None:
        """Has Stripe list these objects of a kind, whatever is asked for."""
        self._routes.insert(0, (f"GET /{kind}", lambda _: _listed(objects, f"/{kind}")))

    @property
    def charged(self) -> list[int]:
        """The amounts that were charged."""
        kept = self.kept.payment_intents.values()
        return [intent["amount"] for intent in kept if intent["status"] == "succeeded"]

    @property
    def authorised(self) -> list[int]:
        """The amounts that are held on a card and neither charged nor released."""
        kept = self.kept.payment_intents.values()
        return [intent["amount"] for intent in kept if intent["status"] == "requires_capture"]

    def waits(self, reader: str = READER) -> bool:
        """Returns whether a reader waits for a card."""
        action = self.readers[reader].action
        return action is not None and action["status"] == "in_progress"

    def _action(self, reader: str) -> Json:
        action = self.readers[reader].action
        assert action is not None
        assert action["status"] == "in_progress", "the reader does not wait for a card"
        return action

    def _save(self, setup: Json, *, keeps: bool) -> None:
        method = None
        if keeps:
            method = self._new("pm", "payment_method", customer=setup["customer"])
            method["card"] = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2040}
            self.kept.payment_methods[method["id"]] = method
        details = {"type": "card_present", "card_present": {**TAP, "generated_card": method}}
        setup["latest_attempt"] = {
            "id": "setatt_1",
            "object": "setup_attempt",
            "payment_method_details": details,
        }
        setup["status"] = "succeeded"

    # What Stripe answers

    def _answer(self, request: str, fields: dict[str, str]) -> Answer:
        asked, _, query = request.partition("?")
        if not self._answers[request]:
            for pattern, answer in self._routes:
                found = re.fullmatch(pattern, asked)
                if found:
                    self.asked.append((request, fields))
                    return answer(*found.groups(), {**fields, **dict(parse_qsl(query))})
        return super()._answer(request, fields)

    def _new(self, prefix: str, kind: str, **more: Any) -> Json:
        return {"id": f"{prefix}_{next(self._ids)}", "object": kind, **more}

    def _make_customer(self, fields: dict[str, str]) -> Answer:
        metadata = {
            name.removeprefix("metadata[").removesuffix("]"): value
            for name, value in fields.items()
            if name.startswith("metadata[")
        }
        reference = f"customer {metadata['reference']}"
        if reference not in self.named:
            made = self._new("cus", "customer", metadata=metadata)
            self.kept.customers[made["id"]] = made
            self.named[reference] = made["id"]
        return Answer(200, self.kept.customers[self.named[reference]])

    def _list_customers(self, _: dict[str, str]) -> Answer:
        return _listed(self.kept.customers.values(), "/customers")

    def _delete_customer(self, name: str, _: dict[str, str]) -> Answer:
        if self.kept.customers.pop(name, None) is None:
            return error(404, "invalid_request_error", code="resource_missing")
        return Answer(200, {"id": name, "object": "customer", "deleted": True})

    def _make_setup(self, fields: dict[str, str]) -> Answer:
        made = self._new(
            "seti",
            "setup_intent",
            customer=fields["customer"],
            status="requires_payment_method",
            latest_attempt=None,
            last_setup_error=None,
        )
        self.kept.setup_intents[made["id"]] = made
        return Answer(200, made)

    def _list_setups(self, fields: dict[str, str]) -> Answer:
        theirs = [
            s for s in self.kept.setup_intents.values() if s["customer"] == fields["customer"]
        ]
        return _listed(theirs, "/setup_intents")

    def _show_setup(self, name: str, _: dict[str, str]) -> Answer:
        return _shown(self.kept.setup_intents.get(name))

    def _cancel_setup(self, name: str, _: dict[str, str]) -> Answer:
        return self._cancelled(self.kept.setup_intents.get(name))

    def _cancelled(self, intent: Json | None) -> Answer:
        if intent is None or intent["status"] in ("succeeded", "canceled"):
            return error(400, "invalid_request_error", code="intent_unexpected_state")
        intent["status"] = "canceled"
        return Answer(200, intent)

    def _list_pages(self, _: dict[str, str]) -> Answer:
        return listing(url="/checkout/sessions")

    def _make_payment(self, fields: dict[str, str]) -> Answer:
        purchase = f"payment {fields['metadata[purchase]']}"
        if purchase not in self.named:
            made = self._new(
                "pi",
                "payment_intent",
                amount=int(fields["amount"]),
                currency=fields["currency"],
                status="requires_payment_method",
                capture_method=fields["capture_method"],
                latest_charge=None,
                last_payment_error=None,
            )
            self.kept.payment_intents[made["id"]] = made
            self.named[purchase] = made["id"]
        return Answer(200, self.kept.payment_intents[self.named[purchase]])

    def _show_payment(self, name: str, _: dict[str, str]) -> Answer:
        return _shown(self.kept.payment_intents.get(name))

    def _capture(self, name: str, _: dict[str, str]) -> Answer:
        intent = self.kept.payment_intents[name]
        if intent["status"] != "requires_capture":
            return error(400, "invalid_request_error", code="payment_intent_unexpected_state")
        intent["status"] = "succeeded"
        return Answer(200, intent)

    def _cancel_payment(self, name: str, _: dict[str, str]) -> Answer:
        return self._cancelled(self.kept.payment_intents.get(name))

    def _list_refunds(self, fields: dict[str, str]) -> Answer:
        made = self.kept.refunds.values()
        theirs = [r for r in made if r["payment_intent"] == fields["payment_intent"]]
        return _listed(theirs, "/refunds")

    def _refund(self, fields: dict[str, str]) -> Answer:
        made = self._new(
            "re",
            "refund",
            amount=int(fields["amount"]),
            payment_intent=fields["payment_intent"],
            status="succeeded",
            metadata={"refund": fields["metadata[refund]"]},
        )
        self.kept.refunds[made["id"]] = made
        return Answer(200, made)

    def _list_methods(self, fields: dict[str, str]) -> Answer:
        kept = self.kept.payment_methods.values()
        theirs = [m for m in kept if m["customer"] == fields["customer"]]
        return _listed(theirs, "/payment_methods")

    def _detach(self, name: str, _: dict[str, str]) -> Answer:
        return _shown(self.kept.payment_methods.pop(name, None))

    def _show_reader(self, name: str, _: dict[str, str]) -> Answer:
        found = self.readers.get(name)
        if found is None:
            return error(404, "invalid_request_error", code="resource_missing", param="reader")
        return found.shown(name)

    def _process_setup(self, name: str, fields: dict[str, str]) -> Answer:
        assert fields["allow_redisplay"] == "always"
        return self._process(name, "process_setup_intent", "setup_intent", fields["setup_intent"])

    def _process_payment(self, name: str, fields: dict[str, str]) -> Answer:
        intent = self.kept.payment_intents[fields["payment_intent"]]
        if intent["status"] != "requires_payment_method":
            return error(400, "invalid_request_error", code="intent_invalid_state")
        return self._process(name, "process_payment_intent", "payment_intent", intent["id"])

    def _process(self, name: str, kind: str, what: str, intent: str) -> Answer:
        found = self.readers.get(name)
        if found is None:
            return error(404, "invalid_request_error", code="resource_missing", param="reader")
        if not found.online:
            return error(400, "invalid_request_error", code="terminal_reader_offline")
        if found.busy or self.waits(name):
            return error(400, "invalid_request_error", code="terminal_reader_busy")
        found.action = {
            "type": kind,
            "status": "in_progress",
            "failure_code": None,
            kind: {what: intent},
        }
        return found.shown(name)

    def _cancel_action(self, name: str, _: dict[str, str]) -> Answer:
        found = self.readers[name]
        if not found.online:
            return error(400, "invalid_request_error", code="terminal_reader_offline")
        found.action = None
        return found.shown(name)


def _shown(found: Json | None) -> Answer:
    if found is None:
        return error(404, "invalid_request_error", code="resource_missing")
    return Answer(200, found)


def _listed(objects: Any, url: str) -> Answer:
    return listing(*(Answer(200, each) for each in objects), url=url)
