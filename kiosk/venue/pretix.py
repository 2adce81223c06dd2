"""The device API of pretix (https://docs.pretix.eu/dev/api/deviceauth.html and
https://docs.pretix.eu/dev/api/resources/checkin.html; tried with 2026.8).

An order position comes with names, addresses and answers of people. Only what decides about the
gate is read, and nothing of an answer reaches a log or an exception.
"""

import platform
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import httpx
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
)

from kiosk.service.causes import cause_of
from kiosk.service.errors import Cause
from kiosk.venue.device import Address, Device, Gate
from kiosk.venue.journal import Entry
from kiosk.venue.ticket_list import (
    Listed,
    ListRules,
    Passage,
    Status,
    TicketList,
    contradiction,
)
from kiosk.venue.venue import Reason, Refused
from protocol import VERSION
from protocol.entry import Ticket
from protocol.messages import Direction

PAGE = 50
"""The largest number of positions that pretix returns at once."""
LONGEST_ANSWER_S = 10
"""Seconds for an answer that nobody waits for at the gate."""
LONGEST_RETRY_AFTER_S = 60

M = TypeVar("M", bound=BaseModel)


class NoAnswer(Exception):
    """pretix did not answer, cannot serve now, or answered something that it would not say. It may
    have acted all the same."""

    def __init__(self, cause: Cause | None = None, retry_after_s: float = 0) -> None:
        super().__init__(str(cause or "an answer of no use"))
        self.cause = cause
        """None when something answered."""
        self.retry_after_s = retry_after_s


class NotAllowed(Exception):
    """pretix does not know the device any more, or does not let it use the list."""

    def __init__(self, status: int) -> None:
        super().__init__(f"pretix answered {status}")
        self.status = status


class SignOnProblem(StrEnum):
    """Why a device was not signed on."""

    NO_CODE_OF_PRETIX = "no_code_of_pretix"
    """What was shown is no code of pretix's for a device, or of a version that we do not speak."""
    NOT_SAFE = "not_safe"
    """Its server does not use https."""
    NOT_ACCEPTED = "not_accepted"
    """The code was used already, or was withdrawn."""
    NO_ANSWER = "no_answer"


class NotSignedOn(Exception):
    def __init__(self, problem: SignOnProblem, cause: Cause | None = None) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.cause = cause
        """Why nobody answered, if that is the problem and it is known."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An event, or a check-in list of one, that an operator can choose."""

    id: str
    """The slug of an event, or the number of a list."""
    name: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """pretix has checked somebody in or out."""

    position: int
    product: int
    attention: bool


class Annulled(StrEnum):
    """What became of an annulment."""

    DONE = "done"
    UNKNOWN = "unknown"
    """pretix knows no such passage, or not yet."""
    NOTHING_TO_DO = "nothing_to_do"
    """It was refused or annulled before."""
    NOT_DONE = "not_done"
    """It is too late, or pretix has several records of this nonce: one that it has refused, and
    perhaps one that it has not."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """pretix has taken a passage; `contradiction` says why it would have refused it."""

    contradiction: Refused | None


@dataclass(frozen=True, slots=True)
class NotTaken:
    """pretix does not take a passage at all; `reason` is None if it says none that is known."""

    reason: Reason | None


class _Read(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


def _in_words(name: object) -> object:
    """Returns a text of pretix's, which comes in several languages, in one: in English if there
    is."""
    if isinstance(name, Mapping):
        told = {str(key): text for key, text in name.items() if text}
        return told.get("en") or next(iter(told.values()), "")
    return name


_Text = Annotated[str, BeforeValidator(_in_words)]


class _Code(_Read):
    handshake_version: int
    url: str
    token: SecretStr


class _Initialized(_Read):
    organizer: str
    device_id: int
    unique_serial: str
    api_token: SecretStr
    name: str
    gate: Gate | None = None


class _Info(_Read):
    device: dict[str, Any]


class _Event(_Read):
    slug: str
    name: _Text


class _List(_Read):
    id: int
    name: str
    all_products: bool
    limit_products: list[int]
    subevent: int | None
    allow_multiple_entries: bool
    allow_entry_after_exit: bool
    rules: dict[str, Any] | None
    addon_match: bool


class _Item(_Read):
    id: int
    name: _Text
    media_policy: str | None = None


class _Question(_Read):
    id: int
    items: list[int]
    ask_during_checkin: bool


class _Checkin(_Read):
    list: int
    datetime: AwareDatetime
    type: Direction
    gate: int | None = None
    device_id: int | None = None


class _Answered(_Read):
    question: int


class _Position(_Read):
    id: int
    item: int
    subevent: int | None
    order__status: Status
    order__valid_if_pending: bool
    order__require_approval: bool
    valid_from: AwareDatetime | None
    valid_until: AwareDatetime | None
    blocked: list[str] | None
    require_attention: bool
    checkins: list[_Checkin]
    answers: list[_Answered]


class _Ticket(_Position):
    secret: str = Field(repr=False)


class _Answer(_Read):
    status: Literal["ok", "error", "incomplete", "exchange"]
    reason: str | None = None
    require_attention: bool = False
    position: _Position | None = None


_REASONS = {
    "already_redeemed": Reason.ALREADY_USED,
    "unpaid": Reason.UNPAID,
    "unapproved": Reason.NOT_APPROVED,
    "product": Reason.WRONG_LIST,
    "blocked": Reason.BLOCKED,
    "revoked": Reason.REVOKED,
    "already_exchanged": Reason.REVOKED,
    "canceled": Reason.CANCELLED,
    "invalid": Reason.UNKNOWN,
}
"""Others are told to the visitor as rules of the organiser's: staff see the rest in pretix."""

_BAD_SIGN_ON = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


async def sign_on(code: str, ca: Path | None = None) -> Device:
    """Makes this kiosk the device of a QR code that pretix shows, once for each code. `ca` is the
    PEM file of the only authority to trust, or None for those of the system. Raises NotSignedOn,
    and OSError when the file cannot be read."""
    try:
        asked = _Code.model_validate_json(code)
    except ValidationError:
        raise NotSignedOn(SignOnProblem.NO_CODE_OF_PRETIX) from None
    if asked.handshake_version != 1:
        raise NotSignedOn(SignOnProblem.NO_CODE_OF_PRETIX)
    try:
        url = TypeAdapter[str](Address).validate_python(asked.url)
    except ValidationError:
        raise NotSignedOn(SignOnProblem.NOT_SAFE) from None
    told = {
        "token": asked.token.get_secret_value(),
        "hardware_brand": "Palm kiosk",
        "hardware_model": "Gate",
        "os_name": platform.system(),
        "os_version": platform.release(),
        # Any name with "pretixscan" in it loses the right to name a position by its id.
        "software_brand": "palm-kiosk",
        "software_version": VERSION,
    }
    async with _client(url, ca, LONGEST_ANSWER_S) as client:
        try:
            response = await _send(client, "POST", "/device/initialize", told)
        except NoAnswer as none:
            raise NotSignedOn(SignOnProblem.NO_ANSWER, none.cause) from None
    if response.status_code in _BAD_SIGN_ON:
        raise NotSignedOn(SignOnProblem.NOT_ACCEPTED)
    try:
        device = _read(response, _Initialized)
        return Device(
            url=url,
            organizer=device.organizer,
            number=device.device_id,
            serial=device.unique_serial,
            token=device.api_token,
            name=device.name,
            gate=device.gate,
        )
    except (NoAnswer, ValidationError):
        raise NotSignedOn(SignOnProblem.NO_ANSWER) from None


class Pretix:
    """A pretix server as one device sees it. Every method raises NoAnswer and NotAllowed, and makes
    one attempt: repeating it is the caller's affair. It is used on one event loop."""

    def __init__(
        self, device: Device, ca: Path | None = None, gates: Mapping[int, str] | None = None
    ) -> None:
        """`gates` are the names of other gates by their id in pretix, which tells a device no name
        but that of its own. Raises OSError when the authority's file cannot be read."""
        self.device = device
        self._gates = dict(gates or {})
        if device.gate is not None:
            self._gates[device.gate.id] = device.gate.name
        self._rules: dict[int, ListRules] = {}
        """Of each list, as they were read last."""
        self._client = _client(device.url, ca, LONGEST_ANSWER_S)
        self._client.headers["authorization"] = f"Device {device.token.get_secret_value()}"

    async def close(self) -> None:
        await self._client.aclose()

    @property
    def _organizer(self) -> str:
        return f"/organizers/{self.device.organizer}"

    async def probe(self) -> None:
        """Returns when pretix answers and knows the device."""
        _read(await self._get("/device/info"), _Info)

    async def events(self) -> list[Choice]:
        """Returns the events that this device may use, by their slugs."""
        pages = self._pages(f"{self._organizer}/events/", _Event)
        return [Choice(event.slug, event.name) async for event in pages]

    async def lists(self, event: str) -> list[Choice]:
        """Returns the check-in lists of an event."""
        pages = self._pages(f"{self._organizer}/events/{event}/checkinlists/", _List)
        return [Choice(str(each.id), each.name) async for each in pages]

    async def redeem(
        self, list_id: int, ticket: Ticket, direction: Direction, passage: UUID, at: datetime
    ) -> Accepted | Refused:
        """Checks a ticket in or out. The same passage is taken once, however often it is sent."""
        body = {
            "lists": [list_id],
            "secret": ticket.code,
            "type": direction,
            "nonce": str(passage),
            "questions_supported": True,
        }
        response = await self._post(f"{self._organizer}/checkinrpc/redeem/", body)
        answer = self._answer(response)
        if answer.status == "ok":
            if response.status_code != HTTPStatus.CREATED or answer.position is None:
                raise NoAnswer
            position = answer.position
            return Accepted(position.id, position.item, answer.require_attention)
        return self._refused(answer, list_id, at)

    async def upload(self, entry: Entry) -> Uploaded | NotTaken:
        """Tells pretix of a passage that was made without it."""
        path = (
            f"{self._organizer}/events/{entry.event}/checkinlists/{entry.list}"
            f"/positions/{entry.position}/redeem/"
        )
        body = {
            "type": entry.direction,
            "nonce": str(entry.passage),
            "datetime": entry.at.isoformat(),
            # Whoever has passed has passed, and the books say so.
            "force": True,
            "ignore_unpaid": True,
            "questions_supported": False,
            "canceled_supported": True,
        }
        response = await self._post(path, body)
        answer = self._answer(response)
        if answer.status != "ok":
            return NotTaken(_REASONS.get(answer.reason or ""))
        if response.status_code != HTTPStatus.CREATED or answer.position is None:
            raise NoAnswer
        rules = self._rules.get(entry.list)
        if rules is None:
            rules = await self._read_rules(entry.event, entry.list)
        listed = self._listed(answer.position, entry.list)
        device = self.device.number
        return Uploaded(contradiction(listed, rules, entry.direction, entry.at, device))

    async def annul(self, entry: Entry) -> Annulled:
        """Takes back a passage that did not happen."""
        body = {
            "lists": [entry.list],
            "nonce": str(entry.passage),
            # pretix refuses an annulment that is dated over 15 minutes after the passage.
            "datetime": entry.at.isoformat(),
            "error_explanation": "The gate did not open.",
        }
        response = await self._post(f"{self._organizer}/checkinrpc/annul/", body)
        told = _json(response)
        match response.status_code:
            case HTTPStatus.OK if told == {"status": "ok"}:
                return Annulled.DONE
            case HTTPStatus.NOT_FOUND if isinstance(told, dict):
                return Annulled.UNKNOWN
            case HTTPStatus.BAD_REQUEST if "unsuccessful" in str(told):
                return Annulled.NOTHING_TO_DO
            case HTTPStatus.BAD_REQUEST:
                return Annulled.NOT_DONE
            case _:
                raise NoAnswer

    async def download(self, event: str, list_id: int, begun: datetime) -> TicketList:
        """Returns the list with everybody on it. Raises NotAllowed when there is no such list."""
        base = f"{self._organizer}/events/{event}"
        items = [item async for item in self._pages(f"{base}/items/", _Item)]
        questions = [each async for each in self._pages(f"{base}/questions/", _Question)]
        rules = await self._read_rules(event, list_id, items, questions)
        positions = self._pages(
            f"{base}/checkinlists/{list_id}/positions/",
            _Ticket,
            {"ignore_status": "true", "ordering": "order__datetime,positionid"},
        )
        return TicketList(
            rules,
            {item.id: item.name for item in items},
            begun,
            {each.secret: self._listed(each, list_id) async for each in positions},
        )

    async def _read_rules(
        self,
        event: str,
        list_id: int,
        items: list[_Item] | None = None,
        questions: list[_Question] | None = None,
    ) -> ListRules:
        """Reads what a list allows; what is asked and exchanged at check-in as far as it is
        given."""
        pages = self._pages(f"{self._organizer}/events/{event}/checkinlists/", _List)
        found = [each async for each in pages if each.id == list_id]
        if not found:
            raise NotAllowed(HTTPStatus.NOT_FOUND)
        (each,) = found
        items = items or []
        asked = [question for question in questions or [] if question.ask_during_checkin]
        rules = ListRules(
            None if each.all_products else frozenset(each.limit_products),
            each.subevent,
            each.allow_multiple_entries,
            each.allow_entry_after_exit,
            bool(each.rules),
            each.addon_match,
            {
                item.id: frozenset(question.id for question in asked if item.id in question.items)
                for item in items
            },
            frozenset(item.id for item in items if item.media_policy),
        )
        self._rules[list_id] = rules
        return rules

    def _listed(self, position: _Position, list_id: int) -> Listed:
        return Listed(
            position.id,
            position.item,
            position.subevent,
            position.order__status,
            position.order__valid_if_pending,
            position.order__require_approval,
            position.valid_from,
            position.valid_until,
            bool(position.blocked),
            position.require_attention,
            frozenset(answered.question for answered in position.answers),
            tuple(self._passages(position, list_id)),
        )

    def _passages(self, position: _Position, list_id: int) -> list[Passage]:
        return [
            Passage(each.type, each.datetime, self._gates.get(each.gate or 0), each.device_id)
            for each in position.checkins
            if each.list == list_id
        ]

    def _refused(self, answer: _Answer, list_id: int, at: datetime) -> Refused:
        position = answer.position
        if answer.status in ("incomplete", "exchange"):
            return Refused(Reason.QUESTIONS)
        if answer.reason == "invalid_time" and position is not None:
            if position.valid_from is not None and position.valid_from > at:
                return Refused(Reason.NOT_YET_VALID, position.valid_from)
            return Refused(Reason.EXPIRED, position.valid_until)
        reason = _REASONS.get(answer.reason or "", Reason.RULES)
        if reason is Reason.ALREADY_USED and position is not None:
            entries = [
                passage
                for passage in self._passages(position, list_id)
                if passage.direction is Direction.ENTRY
            ]
            if entries:
                used = max(entries, key=lambda passage: passage.at)
                return Refused(reason, used.at, used.gate)
        return Refused(reason)

    def _answer(self, response: httpx.Response) -> _Answer:
        """Reads the answer to a redemption, which is one also when it is a refusal."""
        try:
            return _read(response, _Answer)
        except NoAnswer:
            # It was understood, and is about the request: the list is gone, perhaps.
            if response.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
                _json(response)
                raise NotAllowed(response.status_code) from None
            raise

    async def _pages(
        self, path: str, model: type[M], query: dict[str, str] | None = None
    ) -> AsyncIterator[M]:
        page = 1
        more = True
        while more:
            response = await self._get(path, {**(query or {}), "page": page, "page_size": PAGE})
            content = _json(response)
            try:
                rows = [model.model_validate(row) for row in content["results"]]
                more = content["next"] is not None
            except (ValueError, KeyError, TypeError):
                # Without the cause, which may quote what was received.
                raise NoAnswer from None
            for row in rows:
                yield row
            page += 1

    async def _get(self, path: str, query: dict[str, Any] | None = None) -> httpx.Response:
        response = _allowed(await _send(self._client, "GET", path, query=query))
        if response.status_code == HTTPStatus.NOT_FOUND:
            _json(response)
            raise NotAllowed(response.status_code)
        if response.status_code != HTTPStatus.OK:
            raise NoAnswer
        return response

    async def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return _allowed(await _send(self._client, "POST", path, body))


def _client(url: str, ca: Path | None, answer_s: float) -> httpx.AsyncClient:
    """Raises OSError."""
    return httpx.AsyncClient(
        base_url=f"{url}/api/v1",
        verify=ssl.create_default_context(cafile=ca) if url.startswith("https:") else False,
        timeout=answer_s,
        trust_env=False,
        headers={"user-agent": f"palm-kiosk/{VERSION}"},
    )


async def _send(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    query: dict[str, Any] | None = None,
) -> httpx.Response:
    """Raises NoAnswer, also for an answer after which the same request may succeed."""
    try:
        response = await client.request(method, path, json=body, params=query)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(cause_of(error)) from None
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS or response.is_server_error:
        told = response.headers.get("retry-after", "")
        wait = int(told) if told.isascii() and told.isdigit() else 0
        raise NoAnswer(retry_after_s=min(wait, LONGEST_RETRY_AFTER_S))
    return response


def _allowed(response: httpx.Response) -> httpx.Response:
    """Raises NotAllowed, and NoAnswer when somebody else says so, such as a proxy."""
    if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        _json(response)
        raise NotAllowed(response.status_code)
    return response


def _json(response: httpx.Response) -> Any:
    """Raises NoAnswer."""
    try:
        return response.json()
    except ValueError:
        # Without the cause, which may quote what was received.
        raise NoAnswer from None


def _read(response: httpx.Response, model: type[M]) -> M:
    """Raises NoAnswer."""
    try:
        return model.model_validate_json(response.content)
    except ValidationError:
        # Without the cause, which may quote what was received.
        raise NoAnswer from None
