"""An event with products, orders and check-in lists, made through pretix's API."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from venue.server import Server

EVENT = "festival"


@dataclass(frozen=True)
class Sold:
    """A ticket that was ordered: what it is called here, and what its QR code says."""

    name: str
    order: str
    position: int
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Festival:
    """The event and its lists: one entry for each ticket, and one where people may leave and come
    back."""

    main: int
    coming_back: int
    products: dict[str, int]
    tickets: dict[str, Sold]


def festival(server: Server) -> Festival:
    """Makes the event. Raises httpx.HTTPError."""
    made = _Maker(server)
    noon = datetime.now(UTC)
    made.post(
        "/events/",
        {
            "name": {"en": "Palm Festival"},
            "slug": EVENT,
            "currency": "EUR",
            "date_from": (noon - timedelta(hours=2)).isoformat(),
            "date_to": (noon + timedelta(days=2)).isoformat(),
            "plugins": ["pretix.plugins.sendmail"],
            "timezone": "UTC",
        },
    )
    products = {name: made.product(name) for name in ("Day ticket", "Backstage", "With question")}
    made.post(
        f"/events/{EVENT}/questions/",
        {
            "identifier": "SHIRT",
            "question": {"en": "Which size has your shirt?"},
            "type": "S",
            "required": True,
            "items": [products["With question"]],
            "position": 1,
            "ask_during_checkin": True,
        },
    )
    public = [products["Day ticket"], products["With question"]]
    main = made.check_in_list("Main entrance", public, allow_entry_after_exit=False)
    coming_back = made.check_in_list("Coming back", public, allow_entry_after_exit=True)
    day = products["Day ticket"]
    tickets = [
        *(made.order(f"day {number}", day) for number in range(1, 9)),
        made.order("backstage", products["Backstage"]),
        made.order("with question", products["With question"]),
        made.order("unpaid", day, status="n"),
        made.order("cancelled", day, cancelled=True),
        made.order("tomorrow", day, valid_from=(noon + timedelta(days=1)).isoformat()),
        made.order("yesterday", day, valid_until=(noon - timedelta(days=1)).isoformat()),
    ]
    return Festival(main, coming_back, products, {ticket.name: ticket for ticket in tickets})


class _Maker:
    def __init__(self, server: Server) -> None:
        self._api = server.api

    def post(self, path: str, body: dict[str, Any]) -> Any:
        response = self._api.post(path, json=body)
        if response.is_error:
            raise RuntimeError(f"pretix answered {response.status_code} to {path}: {response.text}")
        return response.json() if response.content else None

    def product(self, name: str) -> int:
        made = self.post(
            f"/events/{EVENT}/items/",
            {"name": {"en": name}, "default_price": "20.00", "admission": True, "active": True},
        )
        self.post(f"/events/{EVENT}/quotas/", {"name": name, "size": None, "items": [made["id"]]})
        return made["id"]

    def check_in_list(self, name: str, products: list[int], **more: Any) -> int:
        body = {"name": name, "all_products": False, "limit_products": products, **more}
        return self.post(f"/events/{EVENT}/checkinlists/", body)["id"]

    def order(
        self, name: str, product: int, status: str = "p", *, cancelled: bool = False, **more: Any
    ) -> Sold:
        made = self.post(
            f"/events/{EVENT}/orders/",
            {
                "email": "visitor@localhost.localdomain",
                "locale": "en",
                "sales_channel": "web",
                "status": status,
                "payment_provider": "manual",
                "positions": [
                    {
                        "item": product,
                        "variation": None,
                        "price": "20.00",
                        "attendee_name_parts": {"given_name": "Visitor", "family_name": name},
                        "answers": [],
                        "subevent": None,
                        **more,
                    }
                ],
            },
        )
        position = made["positions"][0]
        if cancelled:
            path = f"/events/{EVENT}/orders/{made['code']}/mark_canceled/"
            self.post(path, {"send_email": False})
        return Sold(name, made["code"], position["id"], position["secret"])
