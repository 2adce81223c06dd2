"""The device API of pretix on loopback, with its check-in rules in memory, and told to fail.

What it answers is what pretix 2026.8 answered (`tests/interop/test_pretix.py` asks the real one).
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kiosk.simulated.network_fault import HOST, Listener

ORGANIZER, EVENT, LIST = "palm", "festival", 1
DAY, BACKSTAGE, SHIRT = 1, 2, 3
"""Its products; the list lets in the first and the last."""
QUESTION = 1
Json = dict[str, Any]


class Fault(Enum):
    """What goes wrong with a request."""

    LOST = auto()
    """The connection breaks before pretix has read it."""
    CUT = auto()
    """pretix does it, and the connection breaks before the answer."""
    SILENT = auto()
    """pretix does it, and never answers."""
    DEAF = auto()
    """pretix never reads it, and never answers."""
    GARBAGE = auto()
    """A page of somebody else's is the answer, and pretix never reads it."""
    HALF = auto()
    """pretix does it, and its answer is no JSON."""
    BUSY = auto()
    """503, and pretix has done nothing."""
    BROKEN = auto()
    """500, and pretix has done it."""
    TOO_MANY = auto()
    """429, and pretix has done nothing."""
    FORBIDDEN = auto()


_INSTEAD: dict[Fault, tuple[int, bytes, dict[str, str]]] = {
    Fault.GARBAGE: (200, b"<html>Welcome to this hotel's network</html>", {}),
    Fault.HALF: (201, b'{"status": "o', {}),
    Fault.BUSY: (503, b"", {}),
    Fault.BROKEN: (500, b"<h1>Server Error (500)</h1>", {}),
    Fault.TOO_MANY: (429, b'{"detail": "slow down"}', {"retry-after": "5"}),
    Fault.FORBIDDEN: (403, b'{"detail": "Request denied by device security profile."}', {}),
}


@dataclass
class Position:
    id: int
    secret: str
    item: int = DAY
    status: str = "p"
    valid_if_pending: bool = False
    require_approval: bool = False
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    blocked: list[str] | None = None
    answers: list[int] = field(default_factory=list[int])
    revoked: bool = False
    attention: bool = False


@dataclass
class Checkin:
    position: int
    list: int
    type: str
    at: datetime
    nonce: str | None
    device: int
    successful: bool = True


@dataclass
class Device:
    number: int
    initialization: str
    gate: tuple[int, str]
    token: str | None = None
    revoked: bool = False


class PretixApi:
    """`will` sets what goes wrong with the next requests, `always` with all further ones. `asked`
    holds every request that was read, and `heard` is set by each."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.devices = [
            Device(1, "code-1", (7, "Gate A")),
            Device(2, "code-2", (8, "Gate B")),
        ]
        self.positions: dict[int, Position] = {}
        self.checkins: list[Checkin] = []
        self.rules: Json = {
            "allow_multiple_entries": False,
            "allow_entry_after_exit": False,
            "rules": {},
            "addon_match": False,
        }
        self.asked: list[tuple[str, Json]] = []
        self.heard = asyncio.Event()
        self.will: deque[Fault] = deque()
        self.always: Fault | None = None
        self.after_the_next: Callable[[], None] | None = None
        """Called once when the next request has been done."""
        self.port = 0
        for number in range(1, 4):
            self.sell(f"day-{number}")

    def sell(self, secret: str, **more: Any) -> Position:
        sold = Position(len(self.positions) + 1, secret, **more)
        self.positions[sold.id] = sold
        return sold

    @asynccontextmanager
    async def open(self) -> AsyncIterator["PretixApi"]:
        listener = Listener(self._attend)
        self.port = listener.port
        try:
            yield self
        finally:
            await listener.close()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def code(self, number: int = 1) -> str:
        """Returns what the QR code of a device says."""
        token = self.devices[number - 1].initialization
        return json.dumps({"handshake_version": 1, "url": self.url, "token": token})

    def passed(self, secret: str) -> list[Checkin]:
        """Returns the passages in the books with a ticket."""
        (position,) = [p.id for p in self.positions.values() if p.secret == secret]
        return [c for c in self.checkins if c.successful and c.position == position]

    def of(self, path: str) -> list[Json]:
        """Returns the bodies of the requests to a path that ends so."""
        return [body for asked, body in self.asked if asked.endswith(path)]

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                fields = (line.partition(": ") for line in head[1:])
                headers = {name.lower(): text for name, _, text in fields}
                content = await reader.readexactly(int(headers.get("content-length", 0)))
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            method, target, _ = head[0].split(" ")
            fault = self.will.popleft() if self.will else self.always
            if fault is Fault.LOST:
                self.heard.set()
                return
            answer = await self._faulty(
                method, target, headers.get("authorization", ""), content, fault
            )
            if answer is None:
                return
            status, body, more = answer
            lines = [
                f"HTTP/1.1 {status} X",
                f"content-length: {len(body)}",
                *(f"{name}: {text}" for name, text in more.items()),
            ]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def _faulty(
        self, method: str, target: str, authorization: str, content: bytes, fault: Fault | None
    ) -> tuple[int, bytes, dict[str, str]] | None:
        """Returns status, body and header fields, None to hang up."""
        done: tuple[int, Any] = (0, None)
        if fault in (None, Fault.CUT, Fault.SILENT, Fault.HALF, Fault.BROKEN):
            url = urlsplit(target)
            body = json.loads(content) if content else {}
            self.asked.append((f"{method} {url.path}", body))
            done = self._do(method, url.path, parse_qs(url.query), authorization, body)
            if self.after_the_next is not None:
                then, self.after_the_next = self.after_the_next, None
                then()
        self.heard.set()
        if fault in (Fault.SILENT, Fault.DEAF):
            await asyncio.Event().wait()
        if fault is None:
            status, answer = done
            return status, json.dumps(answer).encode(), {}
        return _INSTEAD.get(fault)

    def _do(
        self, method: str, path: str, query: dict[str, list[str]], authorization: str, body: Json
    ) -> tuple[int, Any]:
        if path == "/api/v1/device/initialize":
            return self._initialize(body)
        token = authorization.removeprefix("Device ")
        device = next((d for d in self.devices if d.token == token and not d.revoked), None)
        if device is None:
            return 401, {"detail": "Invalid token."}
        organizer = f"/api/v1/organizers/{ORGANIZER}"
        event = f"{organizer}/events/{EVENT}"
        listed = f"{event}/checkinlists/{LIST}/positions/"
        if path == "/api/v1/device/info":
            return 200, {"device": self._describe(device)}
        if method == "GET":
            rows = self._rows(path, organizer, event, listed)
            return (404, {"detail": "Not found."}) if rows is None else self._page(rows, query)
        if path.startswith(listed):
            return self._upload(device, path.removeprefix(listed).partition("/")[0], body)
        check = self._redeem if path.endswith("/redeem/") else self._annul
        return check(device, body)

    def _rows(self, path: str, organizer: str, event: str, listed: str) -> list[Json] | None:
        return {
            f"{organizer}/events/": [{"slug": EVENT, "name": {"de": "", "en": "Festival"}}],
            f"{event}/checkinlists/": [self._list()],
            f"{event}/items/": [
                {"id": DAY, "name": {"en": "Day ticket"}, "media_policy": None},
                {"id": BACKSTAGE, "name": {"en": "Backstage"}, "media_policy": None},
                {"id": SHIRT, "name": {"de": "Mit Hemd"}, "media_policy": None},
            ],
            f"{event}/questions/": [{"id": QUESTION, "items": [SHIRT], "ask_during_checkin": True}],
            listed: [
                self._show(position)
                for position in self.positions.values()
                if position.item != BACKSTAGE and not position.revoked
            ],
        }.get(path)

    def _page(self, rows: list[Any], query: dict[str, list[str]]) -> tuple[int, Json]:
        page = int(query.get("page", ["1"])[0])
        size = min(int(query.get("page_size", ["50"])[0]), 50)
        shown = rows[(page - 1) * size : page * size]
        following = f"{self.url}/?page={page + 1}" if page * size < len(rows) else None
        return 200, {"count": len(rows), "next": following, "previous": None, "results": shown}

    def _initialize(self, body: Json) -> tuple[int, Any]:
        device = next((d for d in self.devices if d.initialization == body["token"]), None)
        if device is None:
            return 400, {"token": ["Unknown initialization token."]}
        if device.token is not None:
            return 400, {"token": ["This initialization token has already been used."]}
        device.token = f"key-{device.number}"
        return 200, {**self._describe(device), "api_token": device.token}

    def _describe(self, device: Device) -> Json:
        number, name = device.gate
        return {
            "organizer": ORGANIZER,
            "device_id": device.number,
            "unique_serial": f"SERIAL{device.number}",
            "name": f"Kiosk at {name}",
            "security_profile": "pretixscan_online_noorders",
            "gate": {"id": number, "name": name, "identifier": f"GATE{device.number}"},
        }

    def _list(self) -> Json:
        mini = {"id": LIST, "name": "Main entrance", "subevent": None, "include_pending": False}
        return {**mini, "all_products": False, "limit_products": [DAY, SHIRT], **self.rules}

    def _show(self, position: Position, checkins: list[Checkin] | None = None) -> Json:
        known = [c for c in self.checkins if c.successful] if checkins is None else checkins
        return {
            "id": position.id,
            "order": "ABCDE",
            "item": position.item,
            "attendee_name": "Ada Lovelace",
            "attendee_email": "ada@example.org",
            "secret": position.secret,
            "subevent": None,
            "checkins": [
                {
                    "id": number,
                    "datetime": checkin.at.isoformat(),
                    "list": checkin.list,
                    "auto_checked_in": False,
                    "gate": self.devices[checkin.device - 1].gate[0],
                    "device": checkin.device,
                    "device_id": checkin.device,
                    "type": checkin.type,
                }
                for number, checkin in enumerate(known)
                if checkin.position == position.id
            ],
            "answers": [{"question": number, "answer": "XL"} for number in position.answers],
            "require_attention": position.attention,
            "order__status": position.status,
            "order__valid_if_pending": position.valid_if_pending,
            "order__require_approval": position.require_approval,
            "valid_from": position.valid_from and position.valid_from.isoformat(),
            "valid_until": position.valid_until and position.valid_until.isoformat(),
            "blocked": position.blocked,
        }

    def _redeem(self, device: Device, body: Json) -> tuple[int, Any]:
        if body["lists"] != [LIST]:
            return 400, {"lists": ['Invalid pk "9" - object does not exist.']}
        secret = body["secret"]
        position = next((p for p in self.positions.values() if p.secret == secret), None)
        if position is None:
            return 404, {
                "detail": "Not found.",
                "status": "error",
                "reason": "invalid",
                "require_attention": False,
            }
        return self._check_in(device, position, body, self._now(), force=False)

    def _upload(self, device: Device, number: str, body: Json) -> tuple[int, Any]:
        position = self.positions.get(int(number))
        if position is None:
            return 404, {"detail": "Not found.", "status": "error", "reason": "invalid"}
        at = datetime.fromisoformat(body["datetime"])
        return self._check_in(device, position, body, at, force=bool(body["force"]))

    def _check_in(
        self, device: Device, position: Position, body: Json, at: datetime, *, force: bool
    ) -> tuple[int, Any]:
        """As `perform_checkin` does. The answer shows the passages as they were before."""
        before = [c for c in self.checkins if c.successful]
        shown = {
            "require_attention": position.attention,
            "position": self._show(position, before),
            "list": self._list(),
        }
        reason = None if force else self._objection(position, at, body["type"])
        if reason == "incomplete":
            return 400, {"status": "incomplete", "questions": [{"id": QUESTION}], **shown}
        made = Checkin(position.id, LIST, body["type"], at, body["nonce"], device.number)
        ours = [c for c in before if c.position == position.id and c.list == LIST]
        if reason is None:
            if any(c.nonce == made.nonce and c.type == made.type for c in ours):
                return 201, {"status": "ok", **shown}
            if not force and not self._enters(ours, made.type):
                reason = "already_redeemed"
        made.successful = reason is None
        self.checkins.append(made)
        if reason is not None:
            return 400, {"status": "error", "reason": reason, **shown}
        return 201, {"status": "ok", **shown}

    def _objection(self, position: Position, at: datetime, kind: str) -> str | None:
        enters = kind == "entry"
        late = position.valid_until is not None and position.valid_until < at
        early = position.valid_from is not None and position.valid_from > at
        unanswered = position.item == SHIRT and not position.answers
        objections = [
            (position.revoked, "revoked"),
            (position.status in "ec", "canceled"),
            (bool(position.blocked), "blocked"),
            (position.status == "n" and position.require_approval, "unapproved"),
            (enters and (early or late), "invalid_time"),
            (position.item == BACKSTAGE, "product"),
            (position.status == "n" and not position.valid_if_pending, "unpaid"),
            (enters and bool(self.rules["rules"]), "rules"),
            (enters and unanswered, "incomplete"),
        ]
        return next((reason for holds, reason in objections if holds), None)

    def _enters(self, ours: list[Checkin], kind: str) -> bool:
        if kind == "exit" or self.rules["allow_multiple_entries"]:
            return True
        if all(c.type == "exit" for c in ours):
            return True
        last = max(ours, key=lambda c: c.at)
        return self.rules["allow_entry_after_exit"] and last.type == "exit"

    def _annul(self, device: Device, body: Json) -> tuple[int, Any]:
        found = [c for c in self.checkins if c.nonce == body["nonce"] and c.device == device.number]
        if not found:
            return 404, {"detail": "No check-in found based on nonce"}
        if len(found) > 1:
            return 400, ["Multiple check-ins found based on nonce"]
        (checkin,) = found
        if not checkin.successful:
            return 400, ["Cannot annul an unsuccessful checkin"]
        if (datetime.fromisoformat(body["datetime"]) - checkin.at).total_seconds() > 15 * 60:
            late = "Annulment is not allowed more than 15 minutes after check-in"
            return 400, {"non_field_errors": [late]}
        checkin.successful = False
        return 200, {"status": "ok"}
