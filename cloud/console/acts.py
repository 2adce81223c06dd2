"""What staff do, whether on a page or by a command: each act is done and stands in the audit trail,
or neither."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import audit, members
from cloud.console.audit import By
from cloud.console.roles import Reach
from cloud.console.tables import StaffRow
from cloud.entry import doors
from cloud.fleet import orders
from cloud.fleet.orders import Act
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import find_person
from cloud.law import Law
from cloud.merchants import merchants
from cloud.merchants.devices import make_activation_code
from cloud.merchants.merchants import MerchantRow, SiteRow
from cloud.payments import reconcile, refunds
from cloud.payments.purchases import PurchaseRow
from cloud.payments.reconcile import Line
from cloud.payments.refunds import Reason, RefundRow
from cloud.people import accounts
from cloud.settings import Merchant
from cloud.watch import incidents
from cloud.watch.incidents import IncidentRow
from cloud.web import devices
from cloud.web.devices import DeviceRow
from cloud.web.language import decimal
from protocol.messages import Chargeable, RefundRequest

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
    """Moves a device to another site of its merchant. What it stands at stays where it was: it
    loses its door and its card reader."""
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


async def revoke_device(session: AsyncSession, by: By, device: DeviceRow) -> None:
    await devices.revoke_device(session, device.id, by.at)
    await _note(session, by, "revoke the kiosk", device)


# Attacks


async def look_at(session: AsyncSession, by: By, incident: IncidentRow, note: str) -> bool:
    """Marks an incident as looked at, with what was found. Returns False when somebody has done so
    already. The note is not in the trail, whose rows stay."""
    if not await incidents.look_at(session, incident.id, by.who, note, by.at):
        return False
    await _note_incident(session, by, "look at the incident", incident)
    return True


async def freeze_account(
    session: AsyncSession, master: MasterKey, by: By, incident: IncidentRow
) -> bool:
    """Freezes the palms of the account that an incident is about, until their person lifts that in
    the portal, and marks it as looked at. Returns False when it is about none, or none any more."""
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


async def add_site(
    session: AsyncSession, by: By, merchant: MerchantRow, name: str, law: Law | None = None
) -> SiteRow:
    site = await merchants.add_site(session, merchant.id, name, law)
    await audit.append(session, by, "add the site", site.id, merchant_id=merchant.id)
    return site


# Staff


async def add_member(
    session: AsyncSession, master: MasterKey, by: By, name: str, reach: Reach
) -> tuple[StaffRow, str]:
    """Adds an account, and returns it and the token of its link. Raises BadAccount."""
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
    """Returns the token of a new link by which somebody makes a passkey."""
    await audit.append(
        session, by, "make a link for the account", member.id, merchant_id=member.merchant_id
    )
    return await members.make_link(session, master, member, by.at)


async def end_member(session: AsyncSession, by: By, member: StaffRow) -> None:
    await audit.append(session, by, "end the account", member.id, merchant_id=member.merchant_id)
    await members.end(session, member, by.at)


async def sign_in(session: AsyncSession, by: By, member: StaffRow, how: str) -> None:
    """Notes that somebody has signed in."""
    await audit.append(session, by, how, member.id, merchant_id=member.merchant_id)


async def export_trail(session: AsyncSession, by: By, merchant_id: str | None) -> None:
    """Notes that somebody takes the trail of a merchant, or all of it, with them."""
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
    """Has a sale given back, in part or in full, once for each reference of a request, and returns
    the refund. It is stored and not made yet (`cloud.payments.refunds.ask`). Raises Refusal."""
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
    session: AsyncSession, by: By, merchant_id: str | None, filters: Mapping[str, str]
) -> None:
    """Notes that somebody takes sales of a merchant, or of all, with them."""
    chosen = " ".join(f"{name}={value}" for name, value in filters.items())
    await audit.append(session, by, "export sales", merchant_id=merchant_id, chosen=chosen or None)


async def keep_comparison(
    session: AsyncSession, by: By, day: datetime, lines: Sequence[Line], merchant_id: str | None
) -> None:
    """Keeps what came of comparing a day, which somebody has asked for who sees one merchant or
    all."""
    await reconcile.keep_report(session, day, lines, by.at)
    act = "compare a day with the payment provider"
    await audit.append(session, by, act, merchant_id=merchant_id, day=f"{day:%Y-%m-%d}")


# What has no page


async def note_command(session: AsyncSession, by: By, verb: str, subject: str) -> None:
    """Notes that a command was given. The subject is the id of a merchant, site or device, or of
    something else that is no person; empty for the service itself."""
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
