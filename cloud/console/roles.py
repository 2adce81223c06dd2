"""Who may see and do what in the console. No other module decides this.

A role gives rights. The reach of an account is one merchant, one site or everything. Each page
names the right that it needs (`cloud.console.asking.router`), and the parameters of its path name
its subject. Both are checked before the page runs. The answer is the same for a right that somebody
does not have, a subject out of their reach and a subject that does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console.tables import AskedRow, StaffRow
from cloud.fleet.orders import settings_naming_pictures
from cloud.fleet.pictures import PictureRow, find_picture
from cloud.merchants.merchants import MerchantRow, SiteRow, find_merchant, find_site
from cloud.payments import sales
from cloud.payments.purchases import PurchaseRow
from cloud.watch import incidents
from cloud.watch.incidents import IncidentRow
from cloud.web.devices import DeviceRow, find_device
from cloud.web.problems import Refusal
from protocol.messages import ProblemType


class Role(StrEnum):
    SHOP = "shop-staff"
    SITE = "site-manager"
    MERCHANT = "merchant"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class Right(StrEnum):
    SEE = "see merchants, sites and kiosks"
    RESTART = "have a kiosk start again"
    NAME = "name a kiosk"
    LOCK = "lock a kiosk"
    ACTIVATE = "activate a kiosk"
    MOVE = "move a kiosk to another site"
    REVOKE = "revoke a kiosk"
    ADD_SITE = "add a site"
    SALES = "see sales"
    EXPORT_SALES = "export sales"
    REFUND = "give money back"
    RECONCILE = "compare days with the payment provider"
    AMOUNTS = "change limits of payments"
    CONTENT = "change what kiosks show"
    TAKE = "take access, tickets and memberships"
    MERCHANT_NAME = "change the name of a merchant"
    STAFF = "add and end accounts of staff"
    AUDIT = "read what staff have done"
    WATCH = "see attacks, and how recognition does"
    LOOK = "mark an attack as looked at"
    FREEZE = "freeze the palms of an account"
    JOBS = "see deletions, jobs and what was not delivered"


_SHOP = frozenset({Right.SEE, Right.RESTART, Right.SALES})
_SITE = _SHOP | {
    Right.NAME,
    Right.LOCK,
    Right.ACTIVATE,
    Right.EXPORT_SALES,
    Right.REFUND,
    Right.WATCH,
    Right.LOOK,
    Right.CONTENT,
    Right.TAKE,
}
_AUDITOR = frozenset(
    {
        Right.SEE,
        Right.AUDIT,
        Right.SALES,
        Right.EXPORT_SALES,
        Right.RECONCILE,
        Right.WATCH,
        Right.JOBS,
    }
)
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.SHOP: _SHOP,
    Role.SITE: _SITE,
    # A merchant does not freeze, because an account is shared by all merchants that its owner uses,
    # and does not rename, because the name stands in consents and could be another merchant's.
    Role.MERCHANT: frozenset(Right) - {Right.FREEZE, Right.MERCHANT_NAME},
    Role.OPERATOR: frozenset(Right),
    Role.AUDITOR: _AUDITOR,
}
GIVES: Mapping[Role, frozenset[Role]] = {
    Role.MERCHANT: frozenset({Role.SITE, Role.SHOP}),
    Role.OPERATOR: frozenset(Role),
}
"""The roles of the accounts that each role may add and end."""
GIVES_BY_KEY = frozenset({Role.SITE, Role.SHOP})
"""The roles of the accounts that a key of the API may add and end: those that neither approve
(`cloud.console.four_eyes`) nor add accounts. Otherwise a thief of a key could make a request with
it, and approve that request with an account that the key has added or made a new link for."""


class BadAccount(ValueError):
    """A role does not fit the reach. The message tells staff which reach fits."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a member of staff may do, and with which merchants and sites."""

    role: Role
    merchant_id: str | None
    """The only merchant in reach; None for all merchants."""
    site_id: str | None
    """The only site in reach; None for all sites of the merchant."""

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role]

    def covers(self, merchant_id: str | None, site_id: str | None = None) -> bool:
        """Returns whether something of a merchant, or of one of its sites, is in reach."""
        if self.merchant_id is None:
            return True
        return merchant_id == self.merchant_id and self.site_id in (None, site_id)

    def gives(self, other: "Reach") -> bool:
        """Returns whether somebody with this reach may add and end an account with the other."""
        roles = GIVES.get(self.role, frozenset())
        return other.role in roles and self.covers(other.merchant_id, other.site_id)

    def check(self) -> None:
        """Raises BadAccount when the role does not fit the merchant and the site."""
        match self.role:
            case Role.OPERATOR if self.merchant_id is not None:
                raise BadAccount("an operator sees every merchant: name none")
            case Role.MERCHANT if self.merchant_id is None or self.site_id is not None:
                raise BadAccount("a merchant sees one merchant: name it, and no site")
            case Role.AUDITOR if self.site_id is not None:
                raise BadAccount("an auditor sees one merchant or every one: name no site")
            case Role.SITE | Role.SHOP if self.site_id is None:
                raise BadAccount("shop staff and site managers see one site: name it")
            case _:
                pass


@dataclass(frozen=True, slots=True)
class Found:
    """The subject of a page. Only the field that the path names is set."""

    merchant: MerchantRow | None = None
    site: SiteRow | None = None
    device: DeviceRow | None = None
    sale: PurchaseRow | None = None
    member: StaffRow | None = None
    incident: IncidentRow | None = None
    picture: PictureRow | None = None
    asked: AskedRow | None = None


async def find(
    session: AsyncSession, reach: Reach, right: Right, names: Mapping[str, str]
) -> Found:
    """Returns the subject that the parameters of a path name. Raises the same Refusal when it does
    not exist, is out of reach, or the right is missing."""
    found: Found | None = None
    if reach.may(right):
        found = await _found(session, reach, names) if names else Found()
    if found is None:
        raise Refusal(ProblemType.NOT_FOUND)
    return found


async def _found(  # noqa: PLR0911, PLR0912 - one for each kind of thing
    session: AsyncSession, reach: Reach, names: Mapping[str, str]
) -> Found | None:
    match list(names.items()):
        case [("merchant_id", name)]:
            merchant = await find_merchant(session, name)
            if merchant is not None and reach.covers(merchant.id):
                return Found(merchant=merchant)
        case [("site_id", name)]:
            site = await find_site(session, name)
            if site is not None and reach.covers(site.merchant_id, site.id):
                return Found(site=site)
        case [("device_id", name)]:
            device = await find_device(session, name)
            if device is not None and reach.covers(device.merchant_id, device.site_id):
                return Found(device=device)
        case [("sale_id", name)]:
            sale = await sales.find(session, name)
            if sale is not None and reach.covers(
                sale.merchant_id, await sales.site_of(session, sale)
            ):
                return Found(sale=sale)
        case [("incident_id", name)]:
            incident = await incidents.find(session, name)
            if incident is not None and reach.covers(incident.merchant_id, incident.site_id):
                return Found(incident=incident)
        case [("staff_id", name)]:
            member = await session.get(StaffRow, name)
            if member is not None and member.ended_at is None and reach.gives(reach_of(member)):
                return Found(member=member)
        case [("digest", name)]:
            return await _found_picture(session, reach, name)
        case [("request_id", name)]:
            asked = await session.get(AskedRow, name)
            if asked is not None and reach.covers(asked.merchant_id):
                return Found(asked=asked)
        case []:
            return Found()
        case _:
            pass
    return None


async def _found_picture(session: AsyncSession, reach: Reach, digest: str) -> Found | None:
    """Returns a picture that something in reach shows."""
    for setting in await settings_naming_pictures(session):
        place = await _place_of(session, setting.scope)
        if digest in setting.value.split() and reach.covers(*place):
            picture = await find_picture(session, digest)
            return None if picture is None else Found(picture=picture)
    return None


async def _place_of(session: AsyncSession, scope: str) -> tuple[str | None, str | None]:
    """Returns the ids of the merchant and the site that a setting of kiosks belongs to."""
    site = await find_site(session, scope)
    if site is not None:
        return site.merchant_id, site.id
    device = await find_device(session, scope)
    return (None, None) if device is None else (device.merchant_id, device.site_id)


def reach_of(member: StaffRow) -> Reach:
    return Reach(Role(member.role), member.merchant_id, member.site_id)
