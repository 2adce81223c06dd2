"""The pictures that the kiosks of a site show: the logo, and those of the welcome screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import acts
from cloud.console.audit import By
from cloud.fleet import picture_making, pictures
from cloud.fleet.orders import values_of
from cloud.fleet.picture_making import Kind
from cloud.fleet.pictures import PictureRow
from cloud.merchants.merchants import SiteRow
from cloud.policy import Limits
from cloud.web import limits
from cloud.web.problems import Refusal
from protocol.fleet import MAX_ATTRACT
from protocol.messages import ProblemType


@dataclass(frozen=True, slots=True)
class Shown:
    """What the kiosks of a site show."""

    logo: PictureRow | None
    attract: Sequence[str]
    """The digests of the pictures of the welcome screen, in their order."""


class NoRoom(ValueError):
    """There are as many pictures as a welcome screen has."""

    def __init__(self) -> None:
        super().__init__(f"there are {MAX_ATTRACT} pictures already: remove one first")


async def shown_at(session: AsyncSession, site: SiteRow) -> Shown:
    values = await values_of(session, site.id)
    logo = await pictures.find_picture(session, values.get("logo", ""))
    return Shown(logo, values.get("attract", "").split())


async def give(session: AsyncSession, by: By, site: SiteRow, kind: Kind, content: bytes) -> str:
    """Has the kiosks of a site show a picture that is made of somebody's file: as the logo in the
    place of the one before, or behind the others of the welcome screen. Returns its digest, and
    commits before it is made. Raises NoRoom, NoPicture, and Refusal for who has given too many."""
    if kind == "attract" and len((await shown_at(session, site)).attract) >= MAX_ATTRACT:
        raise NoRoom
    await limits.spend(session, Limits.PICTURES, by.who, by.at)
    # Nobody waits for the database while the picture is made.
    await session.commit()
    made = await picture_making.make(kind, content)
    await pictures.hold(session)
    digest = await pictures.keep(session, made.content, made.ink)
    value = digest
    if kind == "attract":
        shown = (await shown_at(session, site)).attract
        others = [each for each in shown if each != digest]
        if len(others) >= MAX_ATTRACT:
            raise NoRoom
        value = " ".join([*others, digest])
    await acts.change_content(session, by, site, {kind: value})
    return digest


async def arrange(session: AsyncSession, by: By, site: SiteRow, attract: Sequence[str]) -> None:
    """Has the welcome screens of a site show these of their pictures, in this order. Raises Refusal
    for one that they do not show, or that is named twice."""
    await pictures.hold(session)
    shown = (await shown_at(session, site)).attract
    if len(set(attract)) != len(attract) or not set(attract) <= set(shown):
        detail = "name pictures that the welcome screens of the site show now, each once"
        raise Refusal(ProblemType.CONFLICT, detail)
    await acts.change_content(session, by, site, {"attract": " ".join(attract) or None})


async def remove_logo(session: AsyncSession, by: By, site: SiteRow) -> None:
    """Takes the logo away. Raises Refusal where there is none."""
    if (await shown_at(session, site)).logo is None:
        raise Refusal(ProblemType.NOT_FOUND)
    await acts.change_content(session, by, site, {"logo": None})
