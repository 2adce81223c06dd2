"""The signature service, as the kiosk calls it: one method for each line of `protocol.messages`.

Every method raises the errors of `kiosk.service.errors`; how requests travel is in
`kiosk.service.transport`.
"""

import asyncio
import logging
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from kiosk.clock import Clock
from kiosk.lately import Impersonal
from kiosk.service.errors import (
    ForgedReceipt,
    Refused,
    ServiceError,
    ServiceUnavailable,
    UntrustedKeys,
)
from kiosk.service.identity import Identity
from kiosk.service.transport import Delivery, Transport
from kiosk.service.vault_keys import Accepted, accept, accept_unsigned
from kiosk.settings import ServicePatience
from protocol import documents
from protocol.asked import AskedEnd, AskedPalms, PalmAnswer
from protocol.capture import Burst
from protocol.encoding import to_base64
from protocol.entry import (
    DoorTold,
    Entry,
    EntryRequest,
    ListRequest,
    OfflinePassage,
    Passage,
    SiteList,
    Ticket,
    Tickets,
)
from protocol.envelope import Context, seal
from protocol.fleet import Amounts, Orders, Report, SupportBundle
from protocol.messages import (
    ENVELOPE_TYPE,
    Account,
    Activation,
    Age,
    AgeCheck,
    AgeFlag,
    AtReader,
    BegunCode,
    BegunEnrolment,
    Card,
    CardPage,
    CardPageState,
    CardPurchase,
    CardPurchaseRequest,
    CardReading,
    CardReadingState,
    CardToken,
    Challenge,
    ChallengeAnswer,
    ChallengeAnswered,
    Chargeable,
    Claim,
    ClaimOpened,
    CodeEntry,
    Commitment,
    Consent,
    ConsentText,
    ConsentTexts,
    DeletionReceipt,
    DeletionRequest,
    Device,
    Enrolment,
    EnrolmentRequest,
    Holdings,
    Identification,
    LastFour,
    Membership,
    Message,
    Money,
    PalmAccepted,
    PhoneVerified,
    PrintedReceipt,
    ProblemType,
    Proof,
    Purchase,
    PurchaseRequest,
    Purpose,
    Reader,
    Refund,
    RefundRequest,
    RefundTotal,
    ServiceInfo,
    Side,
    TillAnswer,
    TillMessage,
    TillMessages,
    Told,
    VaultKey,
    VaultKeySet,
    Wallet,
)
from protocol.storage import StorageFault

log = logging.getLogger(__name__)

Reply = TypeVar("Reply", bound=Message)

BRIEFLY = 1.0
"""The deadline in seconds of a call that nobody should wait for."""


class TextMessage(BaseModel):
    """A message that the sandbox's simulated phone received; `number` counts from 1."""

    number: int
    to: str = Field(repr=False)
    text: str = Field(repr=False)
    code: str | None = Field(repr=False)
    at: AwareDatetime


PICTURE_S = 60.0
"""How long the kiosk waits for a picture of 3 MiB, in seconds."""


class SignatureService:
    """The client of the service, for one event loop. It is offline until `connect` is called."""

    def __init__(
        self,
        identity: Identity,
        clock: Clock,
        patience: ServicePatience,
        *,
        infrared: bool = False,
    ) -> None:
        """`infrared` tells whether the kiosk has a near-infrared camera."""
        self.identity = identity
        self._infrared = infrared
        self._patience = patience
        self._transport = Transport(identity.key, clock, patience)
        self._info: ServiceInfo | None = None
        self._keys: Accepted | None = None
        self._untrusted: str | None = None
        """Why keys of the vault were refused, as the log was told last; None since some count."""
        self._clock = clock
        self.amounts: Amounts | None = None
        """What the merchant and the site demand of a payment, as the orders in force tell."""
        self.url = ""
        self.stopped: str | None = None
        """Why the kiosk's own service does not start, with the remedy; None as long as it does."""
        self.ready = asyncio.Event()
        """Set once the service can be asked: it is connected, and activated where that happens by
        itself."""

    @property
    def storage_fault(self) -> StorageFault | None:
        """What was wrong with the service's disk at the last request that should have stored
        something; None when it was stored."""
        return self._transport.storage_fault

    async def connect(self, url: str, ca: Path | None, *, ready: bool = True) -> None:
        """Calls `url` from now on; see `Transport.connect`. `ready` is False when the caller sets
        `ready` later. Raises OSError."""
        await self._transport.connect(url, ca)
        self._info = self._keys = None
        self.url = url
        if ready:
            self.ready.set()

    async def close(self) -> None:
        await self._transport.close()
        self._info = self._keys = None

    def now(self) -> datetime:
        """Returns the service's time, as far as the kiosk knows it."""
        return self._transport.time.now()

    @property
    def demands_light(self) -> bool:
        """Whether the service is known to accept no palm without a light ring."""
        return self._info is not None and self._info.light_required

    @property
    def clock_offset(self) -> timedelta:
        """The service's clock minus the kiosk's."""
        return self._transport.time.offset

    # Service and device

    async def info(self, deadline_s: float | None = None) -> ServiceInfo:
        """Asks for the service's description, with the limits in this kiosk's currency, and in
        time for other keys of its vault. Raises UntrustedKeys when none count."""
        device = self.identity.device
        query = f"?currency={device.currency}" if device else ""
        info = await self._get(f"/service{query}", ServiceInfo, deadline_s)
        self._transport.time.set(info.time)
        keys = self._keys
        if keys is None or keys.should_be_renewed(self.now(), self._clock.now()):
            try:
                self._keys = await self._ask_for_keys(info, deadline_s)
                self._untrusted = None
            except ServiceError as error:
                if isinstance(error, UntrustedKeys) and str(error) != self._untrusted:
                    self._untrusted = str(error)
                    log.error("no palm can be sealed for the service: %s", Impersonal(error))
                if keys is None or not keys.count(self.now(), self._clock.now()):
                    raise
        elif keys.expires_at is None:
            self._keys = replace(keys, keys=info.vault_keys)
        self._info = info
        return info

    async def _ask_for_keys(self, info: ServiceInfo, deadline_s: float | None) -> Accepted:
        try:
            shown = await self._get("/vault-keys", VaultKeySet, deadline_s)
        except Refused as refused:
            if refused.type is not ProblemType.NOT_FOUND:
                raise
            return accept_unsigned(info.vault_keys, self.identity, self._clock.now())
        return accept(shown, self.identity, self.now(), self._clock.now())

    async def _vault_key(self) -> VaultKey:
        """Returns the key that a palm is sealed to. Raises UntrustedKeys when none counts."""
        await self._known_info()
        if self._keys is None or not self._keys.count(self.now(), self._clock.now()):
            await self.info()
        assert self._keys is not None
        return self._keys.keys[0]

    @property
    def chargeable(self) -> Chargeable | None:
        """The amounts that can be charged, None when the service has not told them."""
        return self._info.chargeable if self._info else None

    async def refusal(self, amount: Money) -> str | None:
        """Returns why the service would not charge an amount, as the operator is told; None when
        it would."""
        chargeable = (await self._known_info()).chargeable
        if chargeable is not None:
            return chargeable.refusal(amount)
        device = self.identity.device
        if device is not None and amount.currency != device.currency:
            return f"sales here are in {device.currency}, and this one is in {amount.currency}"
        return None

    @property
    def known_sandbox(self) -> bool:
        """Whether the service has said that it moves no money; False until it has answered."""
        return self._info is not None and self._info.sandbox

    async def is_sandbox(self) -> bool:
        """Returns whether the service moves no money."""
        return (await self._known_info()).sandbox

    async def wants_pulse(self, amount: Money) -> bool:
        """Returns whether a palm that pays this amount is held longer for its pulse."""
        own, of_all = self._demanded(amount.currency), await self._known_info()
        return _is_above(amount, of_all.pulse_above, own and own.pulse_above)

    async def wants_staff(self, amount: Money) -> bool:
        """Returns whether staff have to see the hand that pays this amount."""
        own, of_all = self._demanded(amount.currency), await self._known_info()
        return _is_above(amount, of_all.staff_above, own and own.staff_above)

    def unconfirmed_below(self, currency: str) -> int | None:
        """Returns the amount below which the merchant and the site let a recognised palm pay
        without a touch; None where they have not said it."""
        own = self._demanded(currency)
        return own and own.unconfirmed_below

    def _demanded(self, currency: str) -> Amounts | None:
        own = self.amounts
        return own if own is not None and own.currency == currency else None

    async def activate(self, code: str, name: str) -> Device:
        """Activates the kiosk with a code of the operator's, and keeps the device it becomes."""
        activation = Activation(
            activation_code=code,
            public_key=to_base64(self.identity.public_key),
            name=name,
            infrared=self._infrared,
        )
        device = await self._post("/devices", activation, Device)
        self.identity.activate(device)
        # What was told until now may have been about another currency, and another vault.
        self._info = self._keys = None
        return device

    async def challenge(self, commitment: bytes, purpose: Purpose | None = None) -> Challenge:
        """Commits to the pictures in white with this digest (`protocol.binding`), and returns a
        light challenge."""
        told = Commitment(commitment=to_base64(commitment), purpose=purpose)
        return await self._post("/challenges", told, Challenge)

    async def answer(self, challenge_id: str, answer: bytes) -> ChallengeAnswered:
        """Answers a light challenge with the digest of the pictures that were taken under it.

        Raises Refused (CHALLENGE_REFUSED) when that comes too late.
        """
        told = ChallengeAnswer(answer=to_base64(answer))
        return await self._post(f"/challenges/{challenge_id}/answer", told, ChallengeAnswered)

    # What the operator looks after

    async def report_state(self, report: Report, deadline_s: float | None = None) -> Orders:
        """Tells how this kiosk is, and returns what its operator has told it, which is not checked
        yet (`kiosk.operator`)."""
        headers = {"content-type": "application/json"}
        body = report.model_dump_json().encode()
        answer = await self._transport.call("PUT", "/device/report", headers, body, deadline_s)
        return _parse(answer.content, Orders)

    async def picture(self, digest: str) -> bytes:
        """Returns a picture that the operator's orders name, which is not checked yet
        (`kiosk.pictures`)."""
        path = f"/device/pictures/{digest}"
        answer = await self._transport.call("GET", path, deadline_s=PICTURE_S)
        return answer.content

    async def send_support_bundle(self, bundle: SupportBundle) -> None:
        await self._put("/device/support-bundle", bundle)

    # Sign-up

    async def consent_texts(self) -> list[ConsentText]:
        """Returns what a shopper is asked at this kiosk before their palm is used."""
        return (await self._get("/consents", ConsentTexts)).texts

    async def enrol(self, phone: str, consent: Consent) -> Enrolment:
        """Begins a sign-up. Raises Refused (CONFLICT) when a text has changed since it was
        shown."""
        request = EnrolmentRequest(phone=phone, consent=consent)
        return await self._post("/enrolments", request, Enrolment)

    async def pick_up(self, code: str) -> BegunEnrolment:
        """Goes on with a sign-up that was begun in the portal, and has a one-time code sent to its
        number. Raises Refused (WRONG_CODE) when nothing is finished with this code."""
        return await self._post("/begun-enrolments", BegunCode(code=code), BegunEnrolment)

    async def agree_to_finish(self, enrolment_id: str, consent: Consent) -> None:
        """Tells that the shopper has agreed here to what they have not agreed to on their phone.
        Raises Refused (CONFLICT) when a text has changed since it was shown."""
        await self._put(f"/enrolments/{enrolment_id}/agreement", consent)

    async def enter_code(self, enrolment_id: str, code: str) -> PhoneVerified:
        return await self._post(
            f"/enrolments/{enrolment_id}/code", CodeEntry(code=code), PhoneVerified
        )

    async def resend_code(self, enrolment_id: str) -> Enrolment:
        return await self._post(f"/enrolments/{enrolment_id}/code/resend", None, Enrolment)

    async def add_card(self, enrolment_id: str, card: CardToken) -> Card:
        return await self._post(f"/enrolments/{enrolment_id}/card", card, Card)

    async def open_card_page(self, enrolment_id: str) -> CardPage:
        """Opens a page on which the shopper saves a card by phone, in place of an earlier one."""
        return await self._post(f"/enrolments/{enrolment_id}/card/pages", None, CardPage)

    async def look_at_card_page(self, enrolment_id: str, page_id: str) -> CardPageState:
        return await self._get(f"/enrolments/{enrolment_id}/card/pages/{page_id}", CardPageState)

    async def read_card(self, enrolment_id: str, reader: str) -> CardReading:
        """Has a reader of this kiosk's wait for a card, in place of what it waited for. Raises
        Refused (READER_UNAVAILABLE) when it takes none."""
        path = f"/enrolments/{enrolment_id}/card/readings"
        return await self._post(path, AtReader(reader=reader), CardReading)

    async def look_at_reading(self, enrolment_id: str, reading_id: str) -> CardReadingState:
        path = f"/enrolments/{enrolment_id}/card/readings/{reading_id}"
        return await self._get(path, CardReadingState)

    async def stop_reading(self, enrolment_id: str) -> None:
        """Has the reader stop waiting, in one brief attempt."""
        path = f"/enrolments/{enrolment_id}/card/readings"
        await self._transport.call("DELETE", path, deadline_s=BRIEFLY)

    async def add_palm(self, enrolment_id: str, burst: Burst, side: Side | None) -> PalmAccepted:
        envelope = await self._seal(burst, Purpose.ENROL, enrolment_id, side)
        return await self._post(f"/enrolments/{enrolment_id}/palms", envelope, PalmAccepted)

    async def complete(self, enrolment_id: str, idempotency_key: str | None = None) -> Account:
        """Makes an account of an enrolment. Repeated with the same key it returns the first answer.
        Until the enrolment expires, another palm can still be added."""
        path = f"/enrolments/{enrolment_id}/completion"
        return await self._post(path, None, Account, key=idempotency_key)

    async def give_up_enrolment(self, enrolment_id: str) -> None:
        """Has an enrolment erased, in one brief attempt: it expires by itself otherwise."""
        await self._transport.call("DELETE", f"/enrolments/{enrolment_id}", deadline_s=BRIEFLY)

    # Recognition

    async def identify(
        self, burst: Burst, purpose: Purpose, visit_id: str, most: Money | None = None
    ) -> Identification:
        """Looks for the person of a palm. The caller makes `visit_id` and keeps it when the palm is
        asked for again. `most` is what they are to pay at most, where that is known: above an
        amount, the service asks for digits."""
        envelope = await self._seal(burst, purpose, visit_id, None)
        pays = f"?amount={most.minor}&currency={most.currency}" if most else ""
        return await self._post(f"/identifications{pays}", envelope, Identification)

    async def step_up(self, identification_id: str, phone_last4: str) -> Identification:
        return await self._post(
            f"/identifications/{identification_id}/step-up",
            LastFour(phone_last4=phone_last4),
            Identification,
        )

    async def agree(self, identification_id: str, consent: Consent) -> Identification:
        """Tells that the person who was recognised agrees to use their palm at this kiosk's
        merchant, and returns the identification that was held back until then."""
        path = f"/identifications/{identification_id}/agreement"
        return await self._post(path, consent, Identification)

    async def door(self) -> DoorTold | None:
        """Returns what this kiosk stands at, None when its operator has not said it."""
        try:
            return await self._get("/door", DoorTold)
        except Refused as refused:
            if refused.type is not ProblemType.NOT_FOUND:
                raise
            return None

    async def enter(self, identification_id: str) -> Entry:
        """Asks whether whoever was identified may pass the door that this kiosk stands at."""
        request = EntryRequest(identification_id=identification_id)
        return await self._post("/entries", request, Entry)

    async def agree_to_access(self, entry_id: str) -> Entry:
        """Tells that somebody agrees that their palm stands for what the site has given them."""
        return await self._post(f"/entries/{entry_id}/agreement", None, Entry)

    async def tell_passage(self, entry_id: str, *, passed: bool) -> None:
        await self._put(f"/entries/{entry_id}/passage", Passage(passed=passed))

    async def keep_palm(self, entry_id: str, palm: Burst) -> Entry:
        """Has the gates of the site recognise the palm of whoever was asked, without a network.
        Raises Refused (NOT_ACCEPTED, PALM_NOT_LIVE or PALM_UNUSABLE) for a palm that cannot be
        kept."""
        envelope = await self._seal(palm, Purpose.KEEP, entry_id, None)
        headers = {"content-type": ENVELOPE_TYPE}
        path = f"/entries/{entry_id}/palm"
        return _parse((await self._transport.call("PUT", path, headers, envelope)).content, Entry)

    async def decline_to_keep(self, entry_id: str) -> Entry:
        return await self._change("DELETE", f"/entries/{entry_id}/palm", Entry)

    @property
    def device_id(self) -> str:
        return self.identity.device_id

    async def site_list(self, key: VaultKey) -> SiteList:
        """Returns whom this gate may let pass without a network, with templates that are sealed to
        a key. Raises Refused (NOT_FOUND) when it may let nobody."""
        headers = {"content-type": "application/json"}
        body = ListRequest(key=key).model_dump_json().encode()
        answer = await self._transport.call("PUT", "/door/list", headers, body)
        return _parse(answer.content, SiteList)

    async def tell_offline_passage(self, passage_id: str, passage: OfflinePassage) -> None:
        await self._put(f"/door/passages/{passage_id}", passage)

    async def link_ticket(self, identification_id: str, ticket: Ticket) -> Tickets:
        """Links a ticket to the palm of whoever was identified to enter. Raises Refused
        (TOO_MANY_TICKETS) when there is no room for another one."""
        return await self._post(f"/identifications/{identification_id}/tickets", ticket, Tickets)

    async def holdings(self, identification_id: str) -> Holdings:
        return await self._get(f"/identifications/{identification_id}/holdings", Holdings)

    async def link(self, identification_id: str, membership: Membership) -> None:
        """Links a membership at this kiosk's merchant to the palm of whoever was identified."""
        await self._put(f"/identifications/{identification_id}/membership", membership)

    async def unlink(self, identification_id: str) -> None:
        await self._transport.call("DELETE", f"/identifications/{identification_id}/membership")

    async def has_reached(self, identification_id: str, over: Age) -> bool:
        """Returns whether staff of this kiosk's merchant have seen that whoever was identified has
        reached an age."""
        flag = await self._get(f"/identifications/{identification_id}/age/{over}", AgeFlag)
        return flag.seen

    async def note_age(self, identification_id: str, check: AgeCheck) -> None:
        await self._put(f"/identifications/{identification_id}/age", check)

    async def claim(self, phone: str, proof: Proof, purpose: Purpose) -> ClaimOpened:
        claim = Claim(phone=phone, proof=proof, purpose=purpose)
        return await self._post("/claims", claim, ClaimOpened)

    async def prove_by_palm(self, claim_id: str, burst: Burst, purpose: Purpose) -> Identification:
        envelope = await self._seal(burst, purpose, claim_id, None)
        return await self._post(f"/claims/{claim_id}/palm", envelope, Identification)

    async def prove_by_code(self, claim_id: str, code: str) -> Identification:
        return await self._post(f"/claims/{claim_id}/code", CodeEntry(code=code), Identification)

    # Cards of an account

    async def wallet(self, identification_id: str) -> Wallet:
        return await self._get(f"/identifications/{identification_id}/cards", Wallet)

    async def add_to_wallet(self, identification_id: str, card: CardToken) -> Wallet:
        return await self._post(f"/identifications/{identification_id}/cards", card, Wallet)

    async def open_wallet_page(self, identification_id: str) -> CardPage:
        """Opens a page on which the shopper adds a card by phone, in place of an earlier one."""
        return await self._post(f"/identifications/{identification_id}/cards/pages", None, CardPage)

    async def read_card_for_wallet(self, identification_id: str, reader: str) -> CardReading:
        """Has a reader of this kiosk's wait for another card (see `read_card`)."""
        path = f"/identifications/{identification_id}/cards/readings"
        return await self._post(path, AtReader(reader=reader), CardReading)

    async def look_at_wallet_reading(
        self, identification_id: str, reading_id: str
    ) -> CardReadingState:
        path = f"/identifications/{identification_id}/cards/readings/{reading_id}"
        return await self._get(path, CardReadingState)

    async def stop_wallet_reading(self, identification_id: str) -> None:
        """Has the reader stop waiting, in one brief attempt."""
        path = f"/identifications/{identification_id}/cards/readings"
        await self._transport.call("DELETE", path, deadline_s=BRIEFLY)

    async def look_at_wallet_page(self, identification_id: str, page_id: str) -> CardPageState:
        path = f"/identifications/{identification_id}/cards/pages/{page_id}"
        return await self._get(path, CardPageState)

    async def use_first(self, identification_id: str, card_id: str) -> Wallet:
        """Makes a card the one that pays unless the shopper chooses another."""
        path = f"/identifications/{identification_id}/cards/{card_id}/default"
        return await self._change("PUT", path, Wallet)

    async def remove_card(self, identification_id: str, card_id: str) -> Wallet:
        path = f"/identifications/{identification_id}/cards/{card_id}"
        return await self._change("DELETE", path, Wallet)

    # Purchases and refunds

    async def purchase(
        self, request: PurchaseRequest, idempotency_key: str, delivery: Delivery | None = None
    ) -> Purchase:
        """Buys. Repeated with the same key it returns the first answer and buys nothing more.
        `delivery` tells meanwhile how far the request has come. Raises Refused: HOLDER_ASKED when
        the card's bank wants its holder to confirm the purchase.
        """
        return await self._post(
            "/purchases",
            request,
            Purchase,
            key=idempotency_key,
            deadline_s=self._patience.purchase_deadline_s,
            delivery=delivery,
        )

    async def buy_with_card(
        self, request: CardPurchaseRequest, idempotency_key: str, delivery: Delivery | None = None
    ) -> Purchase:
        """Buys with the card of a token, as `purchase` does."""
        told = await self._post(
            "/card-purchases",
            request,
            CardPurchase,
            key=idempotency_key,
            deadline_s=self._patience.purchase_deadline_s,
            delivery=delivery,
        )
        if told.purchase is None:
            raise ServiceUnavailable("the service waits for a card that was presented already")
        return told.purchase

    async def begin_card_purchase(
        self, request: CardPurchaseRequest, idempotency_key: str
    ) -> CardPurchase:
        """Has a reader wait for the card of a sale. Repeated with the same key it begins nothing
        more. Raises Refused (READER_UNAVAILABLE) when it takes none: nothing is charged then."""
        return await self._post("/card-purchases", request, CardPurchase, key=idempotency_key)

    async def look_at_card_purchase(self, reference: str) -> CardPurchase:
        return await self._get(f"/card-purchases/{reference}", CardPurchase)

    async def end_card_purchase(self, reference: str) -> Purchase:
        """Has a card awaited no longer, and returns what became of the sale: a card that was taken
        already has paid. Raises Refused (NOT_FOUND) when there is no such sale."""
        return await self._post(f"/card-purchases/{reference}/end", None, Purchase)

    async def find_purchase(self, reference: str) -> Purchase:
        """Returns a purchase. Raises Refused: NOT_FOUND when there is none, HOLDER_ASKED as long as
        its card's holder is asked to confirm it."""
        return await self._get(f"/purchases/{reference}", Purchase)

    async def end_purchase(self, reference: str) -> Purchase:
        """Ends the wait for the holder of a purchase's card, and returns how it has ended."""
        return await self._post(
            f"/purchases/{reference}/end",
            None,
            Purchase,
            deadline_s=self._patience.purchase_deadline_s,
        )

    async def report(self, reference: str, told: Told) -> None:
        """Tells what the till was told about a purchase."""
        await self._put(f"/purchases/{reference}/told", told)

    async def print_receipt(self, reference: str, text: str) -> None:
        """Has a till's own receipt of a purchase sent to the shopper's phone, in one brief attempt.
        Raises Refused where none is to be sent."""
        body = PrintedReceipt(text=text).model_dump_json().encode()
        headers = {"content-type": "application/json"}
        path = f"/purchases/{reference}/receipt"
        await self._transport.call("PUT", path, headers, body, BRIEFLY)

    async def decline_receipt(self, reference: str) -> None:
        """Has no receipt of a purchase sent, in one brief attempt. Raises Refused when it is on its
        way already."""
        await self._transport.call("DELETE", f"/purchases/{reference}/receipt", deadline_s=BRIEFLY)

    async def refund(
        self, purchase_reference: str, request: RefundRequest, idempotency_key: str
    ) -> Refund:
        """Refunds a purchase of this kiosk's merchant or a part of it. Repeated with the same key
        it returns the first answer and refunds nothing more. Raises Refused: NOT_REFUNDABLE when so
        much is not left of the purchase, CARD_FORGOTTEN when its person was deleted."""
        return await self._post(
            f"/purchases/{purchase_reference}/refunds",
            request,
            Refund,
            key=idempotency_key,
            deadline_s=self._patience.purchase_deadline_s,
        )

    async def refunded(self, purchase_reference: str) -> RefundTotal:
        """Returns how much of a purchase was given back, whoever has asked for it, in one brief
        attempt. Raises Refused (NOT_FOUND) when there is no such purchase."""
        return await self._get(f"/purchases/{purchase_reference}/refunds", RefundTotal, BRIEFLY)

    # Card readers

    async def look_at_reader(self, reader: str) -> Reader:
        """Describes a reader. Raises Refused (NOT_FOUND) when it is not bound to this kiosk."""
        return await self._get(f"/readers/{reader}", Reader)

    # Leaving

    async def delete(
        self, identification_id: str, idempotency_key: str | None = None
    ) -> DeletionReceipt:
        """Deletes the person. Repeated with the same key it returns the first receipt. Raises
        ForgedReceipt when the receipt's signature is wrong."""
        request = DeletionRequest(identification_id=identification_id)
        return _signed(
            await self._post("/deletions", request, DeletionReceipt, key=idempotency_key)
        )

    async def withdraw(
        self, identification_id: str, idempotency_key: str | None = None
    ) -> DeletionReceipt:
        """Ends the person's agreement with this kiosk's merchant. Repeated with the same key it
        returns the first receipt. Raises ForgedReceipt when the receipt's signature is wrong."""
        path = f"/identifications/{identification_id}/withdrawal"
        return _signed(await self._post(path, None, DeletionReceipt, key=idempotency_key))

    # Tills

    def knows_this_kiosk(self) -> bool:
        """Returns whether there is a service by which this kiosk was activated."""
        return self.ready.is_set() and self.identity.device is not None

    async def till_messages(self) -> list[TillMessage]:
        """Returns the messages that tills have sent to this kiosk through the service, as soon as
        there is one; none after some seconds."""
        return (await self._get("/till-messages", TillMessages)).messages

    async def answer_till(self, message_id: str, answer: TillAnswer) -> None:
        """Sends the answer to a till's message. Raises Refused (NOT_FOUND) when the till waits no
        longer."""
        await self._put(f"/till-messages/{message_id}", answer)

    # What the merchant's own systems have the kiosk ask

    async def take_palm_request(self) -> AskedPalms:
        """Returns what this kiosk asks from now on, as soon as there is something; nothing after
        some seconds."""
        return await self._change("PUT", "/palm-requests/taken", AskedPalms)

    async def look_at_palm_request(self, request_id: str) -> AskedEnd:
        """Tells what has become of a request that this kiosk shows, as soon as it has ended or
        after some seconds. Raises Refused (NOT_FOUND) when it shows it no longer."""
        return await self._get(f"/palm-requests/{request_id}", AskedEnd)

    async def let_palm_request_go(self, request_id: str) -> None:
        """Has a request wait for a kiosk again, in one brief attempt."""
        path = f"/palm-requests/{request_id}/taken"
        await self._transport.call("DELETE", path, deadline_s=BRIEFLY)

    async def prove_for_request(self, request_id: str, burst: Burst) -> Identification:
        """Compares a palm with those of the person whom a request is for."""
        envelope = await self._seal(burst, Purpose.IDENTIFY, request_id, None)
        return await self._post(f"/palm-requests/{request_id}/palm", envelope, Identification)

    async def begin_palm_request(self, request_id: str) -> AskedEnd:
        """Tells that somebody signs up for a request."""
        return await self._change("PUT", f"/palm-requests/{request_id}/begun", AskedEnd)

    async def answer_palm_request(
        self,
        request_id: str,
        identification_id: str | None = None,
        enrolment_id: str | None = None,
    ) -> AskedEnd:
        """Answers a request with the palm of an identification, with a sign-up, or with no. The
        first answer stays."""
        told = PalmAnswer(identification_id=identification_id, enrolment_id=enrolment_id)
        return await self._change("PUT", f"/palm-requests/{request_id}/answer", AskedEnd, told)

    # Sandbox

    async def read_phone(self, after: int) -> list[TextMessage]:
        """Returns what the simulated phone received after the message of that number."""
        response = await self._transport.call("GET", f"/sandbox/messages?after={after}")
        return TypeAdapter(list[TextMessage]).validate_json(response.content)

    # Sealing and parsing

    async def _known_info(self) -> ServiceInfo:
        return self._info or await self.info()

    async def _seal(
        self, burst: Burst, purpose: Purpose, visit_id: str, side: Side | None
    ) -> bytes:
        """Seals the burst to the vault's key and wipes it, whatever happens."""
        capture = bytearray()
        try:
            key = await self._vault_key()
            context = Context(
                device_id=self.identity.device_id,
                visit_id=visit_id,
                purpose=purpose,
                sealed_at=int(self.now().timestamp() * 1000),
                side=side,
                challenge=burst.challenge,
            )
            capture = burst.encode()
            return seal(capture, key, context)
        finally:
            burst.wipe()
            capture[:] = bytes(len(capture))

    async def _get(self, path: str, reply: type[Reply], deadline_s: float | None = None) -> Reply:
        response = await self._transport.call("GET", path, deadline_s=deadline_s)
        return _parse(response.content, reply)

    async def _put(self, path: str, body: Message) -> None:
        headers = {"content-type": "application/json"}
        await self._transport.call("PUT", path, headers, body.model_dump_json().encode())

    async def _change(
        self, method: str, path: str, reply: type[Reply], body: Message | None = None
    ) -> Reply:
        """Sends a request that may be repeated."""
        headers = {} if body is None else {"content-type": "application/json"}
        content = b"" if body is None else body.model_dump_json().encode()
        answer = await self._transport.call(method, path, headers, content)
        return _parse(answer.content, reply)

    async def _post(
        self,
        path: str,
        body: Message | bytes | None,
        reply: type[Reply],
        *,
        key: str | None = None,
        deadline_s: float | None = None,
        delivery: Delivery | None = None,
    ) -> Reply:
        headers = {"idempotency-key": key or secrets.token_urlsafe(24)}
        content = b""
        if isinstance(body, Message):
            headers["content-type"] = "application/json"
            content = body.model_dump_json().encode()
        elif body is not None:
            headers["content-type"] = ENVELOPE_TYPE
            content = body
        response = await self._transport.call(
            "POST", path, headers, content, deadline_s, delivery=delivery
        )
        return _parse(response.content, reply)


def _is_above(amount: Money, *limits: int | None) -> bool:
    """Returns whether an amount is above any of these limits in its currency."""
    return any(limit is not None and amount.minor > limit for limit in limits)


def _signed(receipt: DeletionReceipt) -> DeletionReceipt:
    """Raises ForgedReceipt."""
    try:
        documents.verify(documents.document_of(receipt))
    except documents.Forged:
        raise ForgedReceipt("the receipt's signature does not fit it") from None
    return receipt


def _parse(content: bytes, reply: type[Reply]) -> Reply:
    """Reads an answer. A newer service may tell more than this kiosk knows of."""
    try:
        return reply.model_validate_json(content, extra="ignore")
    except ValidationError:
        # Without the cause, which quotes the answer.
        raise ServiceUnavailable("the service's answer cannot be understood") from None
