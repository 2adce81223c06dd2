"""Pages on which staff set what the kiosks of a site show, when they are open, and a merchant's
name."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import BaseModel, StringConstraints

from cloud.console import acts, kiosk_pictures
from cloud.console.asking import HOME, Asked, Asker, router
from cloud.console.kiosk_pictures import NoRoom, shown_at
from cloud.console.places import merchant_of, one_line, site_of
from cloud.console.roles import Right
from cloud.entry.doors import MOST_HOLIDAYS, NoClock, SiteClock, clock_of, make_clock
from cloud.fleet import pictures
from cloud.fleet.colours import PALETTES
from cloud.fleet.orders import LONGEST, LONGEST_HELPLINE, Unfit, values_of
from cloud.fleet.picture_making import Kind
from cloud.merchants.merchants import FIRST, MerchantRow, SiteRow, place_of
from cloud.web.browsers import redirect
from cloud.web.problems import Refusal
from protocol.fleet import MAX_ATTRACT, PNG
from protocol.messages import ProblemType
from protocol.pictures import NoPicture

NAME_LENGTH = 64
"""The largest number of characters of a merchant's name (`cloud.settings.Merchant`)."""
LOOK = ("variant", "accent_light", "accent_dark", "volume", "hours", "helpline")
"""The settings that the form has fields for (`cloud.fleet.orders.SETTINGS`)."""

routes: APIRouter = router(Right.SEE)
changing: APIRouter = router(Right.CONTENT)
giving: APIRouter = router(Right.CONTENT, files=True)
renaming: APIRouter = router(Right.MERCHANT_NAME)

Line = Annotated[str, StringConstraints(max_length=LONGEST)]


class Look(BaseModel):
    """The form as it was sent: the settings of LOOK, and the calendar."""

    variant: Line = ""
    accent_light: Line = ""
    accent_dark: Line = ""
    volume: Line = ""
    hours: Line = ""
    helpline: Line = ""
    zone: Line = ""
    holidays: Annotated[str, StringConstraints(max_length=11 * MOST_HOLIDAYS)] = ""


class Wrong(ValueError):
    """The content of a field cannot be set. The message tells staff why, in a sentence."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{why[:1].upper()}{why[1:]}.")
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
    values = {name: typed[name] or None for name in LOOK}
    try:
        clock = _clock(typed)
        await acts.change_content(asked.session, asked.by, site, values)
        await acts.set_clock(asked.session, asked.by, site, clock.zone, clock.holidays)
    except Unfit as unfit:
        return await _page(asked, typed=typed, wrong=Wrong(unfit.setting, str(unfit)))
    except Wrong as wrong:
        return await _page(asked, typed=typed, wrong=wrong)
    return redirect(_path(site))


@giving.post("/sites/{site_id}/pictures")
async def give_picture(
    asked: Asker,
    kind: Annotated[Kind, Form()],
    file: Annotated[UploadFile, File()],
) -> Response:
    """Stores a logo, which replaces the one before, or one more picture for the welcome screen."""
    if file.file.closed:
        # The database had this request carried out again, and its file can be read only once.
        raise Refusal(ProblemType.BUSY, retry_after=1)
    site, content = site_of(asked), await file.read()
    try:
        await kiosk_pictures.give(asked.session, asked.by, site, kind, content)
    except (NoRoom, NoPicture) as why:
        return await _page(asked, wrong=Wrong(kind, str(why)))
    return redirect(_path(site))


@changing.post("/sites/{site_id}/pictures/arrange")
async def arrange_pictures(
    asked: Asker,
    digest: Annotated[str, Form(max_length=64)] = "",
    act: Annotated[Literal["up", "down", "remove"], Form()] = "remove",
) -> Response:
    """Moves or removes a picture of the welcome screen, or removes the logo."""
    session, site = asked.session, site_of(asked)
    await pictures.hold(session)
    shown = await shown_at(session, site)
    if digest in shown.attract:
        at = shown.attract.index(digest)
        arranged = [each for each in shown.attract if each != digest]
        if act != "remove":
            arranged.insert(max(at - 1, 0) if act == "up" else at + 1, digest)
        await kiosk_pictures.arrange(session, asked.by, site, arranged)
    elif act == "remove" and shown.logo is not None and shown.logo.sha256 == digest:
        await kiosk_pictures.remove_logo(session, asked.by, site)
    else:
        raise Refusal(ProblemType.CONFLICT)
    return redirect(_path(site))


@renaming.get("/merchants/{merchant_id}/name")
async def ask_for_name(asked: Asker) -> Response:
    merchant = merchant_of(asked)
    return _name_page(asked, merchant, merchant.name)


@renaming.post("/merchants/{merchant_id}/name")
async def change_name(asked: Asker, name: Annotated[str, Form(max_length=400)] = "") -> Response:
    merchant, name = merchant_of(asked), one_line(name)
    try:
        await acts.rename_merchant(asked.session, asked.by, merchant, name)
    except ValueError:
        return _name_page(asked, merchant, name, 422)
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
    shown = await shown_at(asked.session, site)
    logo = shown.logo
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
        attract=shown.attract,
        most=MAX_ATTRACT,
        logo=logo,
        helpline_length=LONGEST_HELPLINE,
        variant=variant,
        palette=palette,
        accent=values.get(f"accent_{variant}", palette.accent),
        # As on the kiosk: a light logo stands on a dark plate where the page is light, and the
        # other way round.
        plate=palette.ink if logo is not None and logo.ink == variant else None,
    )


def _clock(typed: Mapping[str, str]) -> SiteClock:
    """Returns the time zone and the holidays that were typed. Raises Wrong."""
    try:
        holidays = {date.fromisoformat(day) for day in typed["holidays"].split()}
    except ValueError:
        why = "holidays are written as 2027-12-25, with spaces between them"
        raise Wrong("holidays", why) from None
    try:
        return make_clock(typed["zone"] or "UTC", holidays)
    except NoClock as no:
        raise Wrong(no.part, str(no)) from None


def _written(clock: SiteClock) -> dict[str, str]:
    return {"zone": clock.zone.key, "holidays": " ".join(sorted(map(str, clock.holidays)))}


def _path(site: SiteRow) -> str:
    return f"{HOME}/sites/{site.id}/content"
