"""Pages of what the kiosks of a site show and when they are open, and of a merchant's name."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import BaseModel, StringConstraints, ValidationError

from cloud.console import acts
from cloud.console.asking import HOME, Asked, Asker, router
from cloud.console.places import merchant_of, one_line, site_of
from cloud.console.roles import Right
from cloud.entry.doors import SiteClock, clock_of
from cloud.fleet import picture_making, pictures
from cloud.fleet.colours import PALETTES
from cloud.fleet.orders import LONGEST_HELPLINE, SETTINGS, values_of
from cloud.merchants.merchants import FIRST, MerchantRow, SiteRow, place_of
from cloud.policy import Limits
from cloud.settings import Merchant
from cloud.web import limits
from cloud.web.browsers import redirect
from cloud.web.problems import Refusal
from protocol.fleet import MAX_ATTRACT, PNG
from protocol.messages import ProblemType
from protocol.pictures import NoPicture

NAME_LENGTH = 64
"""The largest number of characters of a merchant's name (`cloud.settings.Merchant`)."""
HOLIDAYS = 400
"""The largest number of holidays (`protocol.fleet.Orders`)."""
LOOK = ("variant", "accent_light", "accent_dark", "volume", "hours", "helpline")
"""The settings that the form has fields for (`cloud.fleet.orders.SETTINGS`)."""

routes: APIRouter = router(Right.SEE)
changing: APIRouter = router(Right.CONTENT)
giving: APIRouter = router(Right.CONTENT, files=True)
renaming: APIRouter = router(Right.MERCHANT_NAME)

Line = Annotated[str, StringConstraints(max_length=400)]


class Look(BaseModel):
    """The form as it was sent: the settings of LOOK, and the calendar."""

    variant: Line = ""
    accent_light: Line = ""
    accent_dark: Line = ""
    volume: Line = ""
    hours: Line = ""
    helpline: Line = ""
    zone: Line = ""
    holidays: Annotated[str, StringConstraints(max_length=11 * HOLIDAYS)] = ""


class Wrong(ValueError):
    """What was typed cannot be set: the message tells why, in words for staff."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


@routes.get("/sites/{site_id}/content")
async def show_content(asked: Asker) -> Response:
    return await _page(asked)


@routes.get("/pictures/{digest}")
async def show_picture(asked: Asker) -> Response:
    picture = asked.found.picture
    assert picture is not None
    return Response(picture.content, media_type=PNG)


@changing.post("/sites/{site_id}/content")
async def change_look(asked: Asker, look: Annotated[Look, Form()]) -> Response:
    site = site_of(asked)
    typed = {name: one_line(text) for name, text in look.model_dump().items()}
    try:
        values = {name: _value(name, typed[name]) for name in LOOK}
        clock = _clock(typed)
    except Wrong as wrong:
        return await _page(asked, typed=typed, wrong=wrong)
    await acts.change_content(asked.session, asked.by, site, values)
    await acts.set_clock(asked.session, asked.by, site, clock.zone, clock.holidays)
    return redirect(_path(site))


@giving.post("/sites/{site_id}/pictures")
async def give_picture(
    asked: Asker,
    kind: Annotated[Literal["logo", "attract"], Form()],
    file: Annotated[UploadFile, File()],
) -> Response:
    """Takes a logo in the place of the one before, or one more picture for the welcome screen."""
    if file.file.closed:
        # The request is done again, and its file was read before.
        raise Refusal(ProblemType.BUSY, retry_after=1)
    site, content = site_of(asked), await file.read()
    try:
        if kind == "attract" and len(await _shown(asked, site)) >= MAX_ATTRACT:
            raise NoPicture(f"there are {MAX_ATTRACT} pictures already: remove one first")
        who = asked.signed_in.member.id
        await limits.spend(asked.session, Limits.PICTURES, who, asked.now)
        # Nobody waits for the database while the picture is made.
        await asked.session.commit()
        made = await picture_making.make(kind, content)
        digest = await pictures.keep(asked.session, made.content, made.ink)
        value = digest
        if kind == "attract":
            others = [each for each in await _shown(asked, site) if each != digest]
            value = " ".join([*others, digest])
        await acts.change_content(asked.session, asked.by, site, {kind: value})
    except ValueError as why:
        return await _page(asked, wrong=Wrong(kind, _sentence(str(why))))
    return redirect(_path(site))


@changing.post("/sites/{site_id}/pictures/arrange")
async def arrange_pictures(
    asked: Asker,
    digest: Annotated[str, Form(max_length=64)] = "",
    act: Annotated[Literal["up", "down", "remove"], Form()] = "remove",
) -> Response:
    """Moves a picture of the welcome screen, or takes it or the logo away."""
    site = site_of(asked)
    shown = await _shown(asked, site)
    if digest in shown:
        at = shown.index(digest)
        shown.remove(digest)
        if act != "remove":
            shown.insert(max(at - 1, 0) if act == "up" else at + 1, digest)
        values = {"attract": " ".join(shown) or None}
    elif act == "remove" and (await values_of(asked.session, site.id)).get("logo") == digest:
        values = {"logo": None}
    else:
        raise Refusal(ProblemType.CONFLICT)
    await acts.change_content(asked.session, asked.by, site, values)
    return redirect(_path(site))


@renaming.get("/merchants/{merchant_id}/name")
async def ask_for_name(asked: Asker) -> Response:
    merchant = merchant_of(asked)
    return _name_page(asked, merchant, merchant.name)


@renaming.post("/merchants/{merchant_id}/name")
async def change_name(asked: Asker, name: Annotated[str, Form(max_length=400)] = "") -> Response:
    merchant, name = merchant_of(asked), one_line(name)
    if merchant.id == FIRST:
        # It follows the settings with every start.
        raise Refusal(ProblemType.CONFLICT)
    now = {field: getattr(merchant, field) for field in Merchant.model_fields}
    try:
        changed = Merchant.model_validate(now | {"name": name})
    except ValidationError:
        return _name_page(asked, merchant, name, 422)
    await acts.change_merchant(asked.session, asked.by, merchant, changed)
    return redirect(f"{HOME}/merchants/{merchant.id}")


def _name_page(asked: Asked, merchant: MerchantRow, typed: str, status: int = 200) -> Response:
    return asked.page(
        "merchant_name.html",
        status,
        merchant=merchant,
        typed=typed,
        is_first=merchant.id == FIRST,
        name_length=NAME_LENGTH,
        problem=status != 200,
    )


async def _page(
    asked: Asked, *, typed: Mapping[str, str] | None = None, wrong: Wrong | None = None
) -> Response:
    site, merchant = await place_of(asked.session, site_of(asked).id)
    values = await values_of(asked.session, site.id)
    logo = await pictures.find_picture(asked.session, values.get("logo", ""))
    if typed is None:
        typed = {name: values.get(name, "") for name in LOOK} | _written(
            await clock_of(asked.session, site.id)
        )
    variant = "dark" if values.get("variant") == "dark" else "light"
    palette = PALETTES[variant]
    return asked.page(
        "content.html",
        200 if wrong is None else 422,
        site=site,
        merchant=merchant,
        typed=typed,
        wrong=wrong,
        attract=await _shown(asked, site),
        most=MAX_ATTRACT,
        logo=logo,
        helpline_length=LONGEST_HELPLINE,
        variant=variant,
        palette=palette,
        accent=values.get(f"accent_{variant}", palette.accent),
        # As on the kiosk: what is light is drawn on a dark plate, and the other way round.
        plate=palette.ink if logo is not None and logo.ink == variant else None,
    )


async def _shown(asked: Asked, site: SiteRow) -> list[str]:
    """Returns the digests of the pictures of a site's welcome screens, in their order."""
    return (await values_of(asked.session, site.id)).get("attract", "").split()


def _value(name: str, text: str) -> str | None:
    """Returns a setting as it was typed, None where nothing was. Raises Wrong."""
    if not text:
        return None
    try:
        SETTINGS[name](text)
    except ValueError as error:
        raise Wrong(name, _sentence(str(error))) from None
    return text


def _clock(typed: Mapping[str, str]) -> SiteClock:
    """Raises Wrong."""
    try:
        zone = ZoneInfo(typed["zone"] or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Wrong(
            "zone", "There is no such time zone. Write it as Europe/Berlin or America/Chicago."
        ) from None
    try:
        holidays = {date.fromisoformat(day) for day in typed["holidays"].split()}
    except ValueError:
        why = "Holidays are written as 2027-12-25, with spaces between them."
        raise Wrong("holidays", why) from None
    if len(holidays) > HOLIDAYS:
        raise Wrong("holidays", f"A calendar has at most {HOLIDAYS} holidays.")
    return SiteClock(zone, holidays)


def _written(clock: SiteClock) -> dict[str, str]:
    return {"zone": clock.zone.key, "holidays": " ".join(sorted(map(str, clock.holidays)))}


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _path(site: SiteRow) -> str:
    return f"{HOME}/sites/{site.id}/content"
