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
    """The welcome screen has as many pictures as it can have."""

    def __init__(self) -> None:
        super().__init__(f"there are {MAX_ATTRACT} pictures already: remove one first")


async def shown_at(session: AsyncSession, site: SiteRow) -> Shown:
    values = await values_of(session, site.id)
    logo = await pictures.find_picture(session, values.get("logo", ""))
    return Shown(logo, values.get("attract", "").split())


async def give(session: AsyncSession, by: By, site: SiteRow, kind: Kind, content: bytes) -> str:
    """Makes a picture from a file that somebody has sent, and has the kiosks of a site show it: as
    their logo, or as the last picture of the welcome screen. Returns its digest. The session is
    committed before the picture is made. Raises NoRoom, NoPicture, and Refusal for whoever has sent
    too many files."""
    if kind == "attract" and len((await shown_at(session, site)).attract) >= MAX_ATTRACT:
        raise NoRoom
    await limits.spend(session, Limits.PICTURES, by.who, by.at)
    # No transaction is open while the picture is made, which takes a while.
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
    """Sets which of their pictures the welcome screens of a site show, and in which order. Raises
    Refusal for a picture that they do not show now, or that is named twice."""
    await pictures.hold(session)
    shown = (await shown_at(session, site)).attract
    if len(set(attract)) != len(attract) or not set(attract) <= set(shown):
        detail = "name only pictures that the site's welcome screens show now, and each once"
        raise Refusal(ProblemType.CONFLICT, detail)
    await acts.change_content(session, by, site, {"attract": " ".join(attract) or None})


async def remove_logo(session: AsyncSession, by: By, site: SiteRow) -> None:
    """Removes the logo. Raises Refusal where there is none."""
    if (await shown_at(session, site)).logo is None:
        raise Refusal(ProblemType.NOT_FOUND)
    await acts.change_content(session, by, site, {"logo": None})
