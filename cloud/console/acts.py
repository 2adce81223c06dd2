"""Acts of staff, on a page, by a command or with a key. An act and its row in the audit trail are
written in one transaction: both are stored, or neither is."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import audit, four_eyes, members
from cloud.console.audit import By, Door
from cloud.console.four_eyes import Chosen, Kiosks
from cloud.console.roles import GIVES_BY_KEY, Reach, Role
from cloud.console.tables import AskedRow, StaffRow
from cloud.db.locks import lock
from cloud.entry import access, doors, tickets
from cloud.fleet import orders, pictures
from cloud.fleet.orders import Act
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import find_person
from cloud.law import Law
from cloud.loyalty import memberships
from cloud.merchants import merchants
from cloud.merchants.devices import make_activation_code
from cloud.merchants.merchants import MerchantRow, SiteRow
from cloud.payments import reconcile, refunds
from cloud.payments.purchases import PurchaseRow
from cloud.payments.reconcile import Line
from cloud.payments.refunds import Reason, RefundRow
from cloud.people import accounts
from cloud.settings import Merchant, Settings
from cloud.watch import incidents
from cloud.watch.incidents import IncidentRow
from cloud.web import amounts, devices
from cloud.web.amounts import Demand, Place
from cloud.web.devices import DeviceRow
from cloud.web.language import decimal
from cloud.web.problems import Refusal
from protocol.messages import Chargeable, ProblemType, RefundRequest

# Kiosks


async def show_code(session: AsyncSession, master: MasterKey, by: By, site: SiteRow) -> str:
    """Returns a code that activates one device of a site."""
    await audit.append(
        session, by, "show an activation code", site.id, merchant_id=site.merchant_id
    )
    return await make_activation_code(session, master, by.at, site_id=site.id)


async def replace_device(
    session: AsyncSession, master: MasterKey, by: By, device: DeviceRow
) -> str:
    """Returns a code that activates another device in the place of this one."""
    await _note(session, by, "show a code that replaces the kiosk", device)
    return await make_activation_code(
        session, master, by.at, site_id=device.site_id, replaces=device.id
    )


async def rename_device(session: AsyncSession, by: By, device: DeviceRow, name: str) -> None:
    device.name = name
    await _note(session, by, "name the kiosk", device, name=name)


async def move_device(session: AsyncSession, by: By, device: DeviceRow, site: SiteRow) -> None:
    """Moves a device to another site of its merchant. The door and the card reader that it has
    served stay at the old site, so it loses both."""
    assert site.merchant_id == device.merchant_id
    before, device.site_id, device.reader = device.site_id, site.id, None
    await doors.remove_door(session, device.id)
    await _note(session, by, "move the kiosk", device, before=before, to=site.id)


async def restart_device(session: AsyncSession, by: By, device: DeviceRow) -> None:
    await orders.ask(session, device.id, Act.RESTART, by.who, by.at)
    await _note(session, by, "have the kiosk start again", device)


async def lock_device(session: AsyncSession, by: By, device: DeviceRow) -> None:
    """Locks a device until it is activated again."""
    await orders.ask(session, device.id, Act.LOCK, by.who, by.at)
    await _note(session, by, "lock the kiosk", device)


async def call_to_maintenance(session: AsyncSession, by: By, device: DeviceRow) -> None:
    """Takes a device out of service until it is put back or activated again."""
    await orders.ask(session, device.id, Act.MAINTAIN, by.who, by.at)
    await _note(session, by, "call the kiosk to maintenance", device)


async def put_back(session: AsyncSession, by: By, device: DeviceRow) -> None:
    await orders.ask(session, device.id, Act.SERVE, by.who, by.at)
    await _note(session, by, "put the kiosk back into service", device)


async def revoke_device(session: AsyncSession, by: By, device: DeviceRow) -> None:
    """Revokes a device, which the service does not know from now on. If several people revoke it at
    once, only one of these acts is done and noted."""
    if await devices.revoke_device(session, device.id, by.at):
        await _note(session, by, "revoke the kiosk", device)


async def revoke_or_ask(session: AsyncSession, by: By, device: DeviceRow) -> AskedRow | None:
    """Revokes a device and returns None. When `by` has revoked as many devices as one person may
    revoke alone, it asks for the approval of a second person instead and returns that request."""
    if not await four_eyes.revokes_alone(session, by):
        return await ask_to_revoke(session, by, [device])
    await revoke_device(session, by, device)
    return None


async def ask_to_revoke(session: AsyncSession, by: By, those: Sequence[DeviceRow]) -> AskedRow:
    """Asks for approval to revoke devices: at least one, and all of one merchant."""
    given = Kiosks(device_ids=tuple(device.id for device in those))
    return await four_eyes.ask(session, by, four_eyes.REVOKE, given, those[0].merchant_id)


# Attacks


async def look_at(session: AsyncSession, by: By, incident: IncidentRow, note: str) -> bool:
    """Marks an incident as looked at, with a note on what was found. Returns False when somebody
    has done so already. The note stays out of the audit trail, whose rows are never deleted."""
    if not await incidents.look_at(session, incident.id, by.who, note, by.at):
        return False
    await _note_incident(session, by, "look at the incident", incident)
    return True


async def freeze_account(
    session: AsyncSession, master: MasterKey, by: By, incident: IncidentRow
) -> bool:
    """Freezes the palms of the account that an incident is about, until their owner lifts that in
    the portal, and marks the incident as looked at. Returns False when the incident is about no
    account, or about one that no longer exists."""
    if incident.person_id is None:
        return False
    try:
        person = await find_person(session, master, incident.person_id)
    except NoResultFound:
        return False
    await accounts.freeze(session, person, by.at)
    await incidents.look_at(session, incident.id, by.who, "The account was frozen.", by.at)
    await _note_incident(session, by, "freeze the account of the incident", incident)
    return True


async def _note_incident(session: AsyncSession, by: By, act: str, incident: IncidentRow) -> None:
    await audit.append(
        session,
        by,
        act,
        incident.id,
        merchant_id=incident.merchant_id,
        kind=incident.kind,
        kiosk=incident.device_id,
    )


# Merchants and sites


async def add_merchant(
    session: AsyncSession, by: By, merchant: Merchant, site_name: str, law: Law | None
) -> tuple[MerchantRow, SiteRow]:
    row, site = await merchants.add_merchant(session, merchant, site_name, law)
    await audit.append(session, by, "add the merchant", row.id, merchant_id=row.id, site=site.id)
    return row, site


async def change_merchant(
    session: AsyncSession, by: By, row: MerchantRow, merchant: Merchant
) -> None:
    """Changes the details of a merchant. Its name is part of the texts that people agree to, so
    everybody is asked again after the name has changed."""
    before = {name: getattr(row, name) for name in Merchant.model_fields}
    merchants.change(row, merchant)
    for name, value in before.items():
        now = getattr(row, name)
        await _note_change(
            session, by, "change the merchant", row, what=name, before=value, now=now
        )


async def rename_merchant(session: AsyncSession, by: By, row: MerchantRow, name: str) -> None:
    """Changes the name of a merchant. Raises ValueError for a text that cannot be a name, and
    Refusal for the first merchant, whose name comes from the settings."""
    if row.id == merchants.FIRST:
        detail = "the first merchant's name is set under [merchant] in settings.toml"
        raise Refusal(ProblemType.CONFLICT, detail)
    now = {field: getattr(row, field) for field in Merchant.model_fields}
    await change_merchant(session, by, row, Merchant.model_validate(now | {"name": name}))


async def add_site(
    session: AsyncSession, by: By, merchant: MerchantRow, name: str, law: Law | None = None
) -> SiteRow:
    site = await merchants.add_site(session, merchant.id, name, law)
    await audit.append(session, by, "add the site", site.id, merchant_id=merchant.id)
    return site


# Policies


async def change_amounts(
    session: AsyncSession,
    chosen: Settings,
    by: By,
    place: SiteRow | MerchantRow,
    values: Mapping[Demand, int | None],
) -> None:
    """Sets limits of payments for a merchant or for one of its sites; None removes a limit. Raises
    TooLax, and ValueError for a value that is no amount."""
    if isinstance(place, SiteRow):
        _, merchant = await merchants.place_of(session, place.id)
        where = Place(merchant.id, place.id)
    else:
        merchant, where = place, Place(place.id)
    # The trail tells the old values, so nobody may change them before the new ones are written.
    await lock(session, "amounts", where.scope)
    before = await amounts.said_at(session, where, merchant.currency)
    await amounts.change(session, chosen, where, merchant.currency, values)
    for demand, minor in values.items():
        was, now = (_written(each, merchant.currency) for each in (before.get(demand), minor))
        told = "change a limit of payments"
        await _note_change(session, by, told, place, what=demand, before=was, now=now)


def _written(minor: int | None, currency: str) -> str | None:
    return None if minor is None else f"{currency} {decimal(minor, currency)}"


# What kiosks show


async def change_content(
    session: AsyncSession, by: By, scope: SiteRow | DeviceRow, values: Mapping[str, str | None]
) -> None:
    """Changes settings (`cloud.fleet.orders.SETTINGS`) of one kiosk or of all kiosks of a site;
    None removes a setting. Raises Unfit for a value that a setting cannot have, and then changes
    nothing."""
    await pictures.hold(session)
    before = await orders.values_of(session, scope.id)
    await orders.change_settings(session, scope.id, values)
    await pictures.forget_unnamed(session)
    for name, value in values.items():
        told, was = "change what kiosks show", before.get(name)
        await _note_change(session, by, told, scope, what=name, before=was, now=value)


async def set_clock(
    session: AsyncSession, by: By, site: SiteRow, zone: ZoneInfo, holidays: Collection[date]
) -> None:
    """Sets the time zone and the holidays of a site."""
    await lock(session, "calendar", site.id)
    before = await doors.clock_of(session, site.id)
    await doors.set_clock(session, site.id, zone, holidays)
    told = "set the calendar"
    was, now = before.zone.key, zone.key
    await _note_change(session, by, told, site, what="zone", before=was, now=now)
    was, now = (" ".join(sorted(map(str, each))) for each in (before.holidays, holidays))
    await _note_change(session, by, told, site, what="holidays", before=was, now=now)


async def _note_change(
    session: AsyncSession,
    by: By,
    act: str,
    row: MerchantRow | SiteRow | DeviceRow,
    *,
    what: str,
    before: str | None,
    now: str | None,
) -> None:
    """Notes the old and the new value of something, if they differ."""
    if before != now:
        merchant_id = row.id if isinstance(row, MerchantRow) else row.merchant_id
        values = {"what": what, "before": before or "nothing", "now": now or "nothing"}
        await audit.append(session, by, act, row.id, merchant_id=merchant_id, **values)


# Access, tickets and memberships


async def take_access(
    session: AsyncSession, by: By, site: SiteRow, person_ids: Collection[str]
) -> tuple[int, list[bytes]]:
    """Takes the access that people have at a site from them. Returns how many people had any, and
    the traces that their rows may have left in the database's files
    (`cloud.context.Database.forget_erased`)."""
    taken = [await access.take(session, each, site.id) for each in person_ids]
    count = sum(map(bool, taken))
    await _note_taken(session, by, "take somebody's access", site, count)
    return count, [trace for traces in taken for trace in traces]


async def take_tickets(
    session: AsyncSession, by: By, merchant: MerchantRow, ticket_ids: Collection[str]
) -> Sequence[str]:
    """Takes tickets from the people to whom they are linked. Returns the ids of the tickets that
    were still linked; these ids are also the traces of their rows."""
    taken = await tickets.take(session, merchant.id, ticket_ids)
    await _note_taken(session, by, "take a ticket", merchant, len(taken))
    return taken


async def unlink_membership(
    session: AsyncSession, master: MasterKey, by: By, merchant: MerchantRow, code: str
) -> list[bytes]:
    """Takes a membership from everybody who has linked it. Returns one trace for each of them
    (`cloud.context.Database.forget_erased`)."""
    traces = await memberships.unlink_code(session, master, merchant.id, code)
    await _note_taken(session, by, "take a membership", merchant, len(traces))
    return traces


async def _note_taken(
    session: AsyncSession, by: By, act: str, row: MerchantRow | SiteRow, people: int
) -> None:
    """Notes from how many people something was taken; their ids are not noted."""
    if people:
        merchant_id = row.id if isinstance(row, MerchantRow) else row.merchant_id
        await audit.append(session, by, act, row.id, merchant_id=merchant_id, people=str(people))


# Staff


async def add_member(
    session: AsyncSession, master: MasterKey, by: By, name: str, reach: Reach
) -> tuple[StaffRow, str]:
    """Adds an account, and returns it and the token of its link. Raises BadAccount, and Refusal
    when `by` may not give such an account."""
    _must_give(by, reach.role)
    member = await members.add(session, name, reach, by.at)
    await audit.append(
        session,
        by,
        "add the account",
        member.id,
        merchant_id=reach.merchant_id,
        role=reach.role,
        site=reach.site_id,
    )
    return member, await members.make_link(session, master, member, by.at)


async def make_link(session: AsyncSession, master: MasterKey, by: By, member: StaffRow) -> str:
    """Returns the token of a new link with which the holder of an account makes a passkey. Raises
    Refusal when `by` may not give such an account."""
    _must_give(by, Role(member.role))
    await audit.append(
        session, by, "make a link for the account", member.id, merchant_id=member.merchant_id
    )
    return await members.make_link(session, master, member, by.at)


async def end_member(session: AsyncSession, by: By, member: StaffRow) -> None:
    """Ends an account. If several people end it at once, only one of these acts is noted. Raises
    Refusal when `by` may not end such an account."""
    _must_give(by, Role(member.role))
    if await members.end(session, member, by.at):
        merchant_id = member.merchant_id
        await audit.append(session, by, "end the account", member.id, merchant_id=merchant_id)


def _must_give(by: By, role: Role) -> None:
    """Raises Refusal when this is done with a key, and keys may neither add, renew nor end accounts
    of a role."""
    if by.door is Door.API and role not in GIVES_BY_KEY:
        detail = (
            "a key adds and ends accounts of shop staff and site managers only: other accounts are "
            "added and ended by a person, in the console"
        )
        raise Refusal(ProblemType.CONFLICT, detail)


async def sign_in(session: AsyncSession, by: By, member: StaffRow, how: str) -> None:
    """Notes that somebody has signed in; `how` names the act."""
    await audit.append(session, by, how, member.id, merchant_id=member.merchant_id)


async def export_trail(session: AsyncSession, by: By, merchant_id: str | None) -> None:
    """Notes that somebody exports the audit trail, of one merchant or of all."""
    await audit.append(session, by, "export the audit trail", merchant_id=merchant_id)


# Sales


async def refund(
    session: AsyncSession,
    chargeable: Callable[[str], Chargeable | None],
    by: By,
    sale: PurchaseRow,
    request: RefundRequest,
    *,
    reason: Reason,
) -> RefundRow:
    """Stores the order to refund a sale, in part or in full, and returns the refund, which is not
    made yet (`cloud.payments.refunds.ask`). A request with the same reference as an earlier one
    returns the refund of that one. Raises Refusal."""
    row, is_new = await refunds.ask(
        session, chargeable, sale, request, sender=by.who, now=by.at, reason=reason
    )
    if is_new:
        amount = f"{decimal(row.amount_minor, sale.currency)} {sale.currency}"
        await audit.append(
            session,
            by,
            "give money back",
            sale.id,
            merchant_id=sale.merchant_id,
            amount=amount,
            reason=reason,
            refund=row.id,
        )
    return row


async def export_sales(
    session: AsyncSession, by: By, merchant_id: str | None, chosen: Chosen
) -> None:
    """Notes that somebody exports sales, of one merchant or of all."""
    await audit.append(session, by, "export sales", merchant_id=merchant_id, **chosen.told)


async def keep_comparison(
    session: AsyncSession, by: By, day: datetime, lines: Sequence[Line], merchant_id: str | None
) -> None:
    """Stores what was found when a day was compared. `merchant_id` is the only merchant that
    whoever has asked for it sees; None when they see all."""
    await reconcile.keep_report(session, day, lines, by.at)
    act = "compare a day with the payment provider"
    await audit.append(session, by, act, merchant_id=merchant_id, day=f"{day:%Y-%m-%d}")


# Commands that have no page


async def note_command(session: AsyncSession, by: By, verb: str, subject: str) -> None:
    """Notes that a command was given. `subject` is the id of a merchant, a site, a device or
    something else that is no person; it is empty for the service itself."""
    merchant_id: str | None = None
    device = await devices.find_device(session, subject)
    site = await merchants.find_site(session, subject)
    if device is not None:
        merchant_id = device.merchant_id
    elif site is not None:
        merchant_id = site.merchant_id
    elif await merchants.find_merchant(session, subject) is not None:
        merchant_id = subject
    await audit.append(session, by, verb, subject, merchant_id=merchant_id)


async def _note(
    session: AsyncSession, by: By, act: str, device: DeviceRow, **details: str | None
) -> None:
    await audit.append(session, by, act, device.id, merchant_id=device.merchant_id, **details)
