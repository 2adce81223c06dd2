"""The look and sound of the kiosks of a site, and their opening hours."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StrictInt, StringConstraints

from cloud.console import acts
from cloud.console.api.asking import Asked, Asker, router
from cloud.console.places import one_line
from cloud.console.roles import Right
from cloud.fleet.orders import LONGEST_HELPLINE, Unfit, values_of
from cloud.integrations.asking import Scope
from cloud.merchants.merchants import SiteRow
from cloud.web.problems import Refusal
from protocol.fleet import Variant
from protocol.messages import Message, ProblemType

reading: APIRouter = router(Right.SEE, Scope.CONTENT_READ)
changing: APIRouter = router(Right.CONTENT, Scope.CONTENT_WRITE)

WRITTEN_HOURS = "hours are written as mon-fri 07:00-19:00; sat 09:00-13:00"

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$")]


class Look(Message):
    """The settings of all kiosks of a site. For a field that is null, each kiosk uses its own
    setting. All fields are required, so that no setting is removed by mistake."""

    variant: Variant | None
    """Dark text on a light background, or light text on a dark one."""
    accent_light: Colour | None
    """The colour of buttons and drawings on a light kiosk, such as `#00694e`. White text on it must
    have the contrast that WCAG 2.2 requires."""
    accent_dark: Colour | None
    """The colour of buttons and drawings on a dark kiosk, with the same contrast to black text."""
    volume: Annotated[StrictInt, Field(ge=0, le=100)] | None
    """The volume of a gate's loudspeaker, in percent; null for full volume."""
    hours: str | None
    """When shoppers may begin something, in the time zone of the site's calendar, such as
    `mon-fri 07:00-19:00; sat 09:00-13:00`; null for always. At most 400 characters."""
    helpline: Annotated[str, StringConstraints(max_length=LONGEST_HELPLINE)] | None
    """Whom people can call when a kiosk is out of service, in one line."""


@reading.get("/sites/{site_id}/look")
async def show(asked: Asker, site_id: str) -> Look:
    return await _told(asked, await asked.site(site_id))


@changing.put("/sites/{site_id}/look")
async def change(asked: Asker, site_id: str, look: Look) -> Look:
    """Sets the look of the kiosks of a site, which change within a minute."""
    site = await asked.site(site_id)
    values = {
        name: None if value is None else one_line(str(value)) or None
        for name, value in look.model_dump().items()
    }
    try:
        await acts.change_content(asked.session, asked.by, site, values)
    except Unfit as no:
        # The message about hours would quote what was sent.
        why = WRITTEN_HOURS if no.setting == "hours" else str(no)
        raise Refusal(ProblemType.MALFORMED, f"{no.setting}: {why}", status=422) from None
    return await _told(asked, site)


async def _told(asked: Asked, site: SiteRow) -> Look:
    values = await values_of(asked.session, site.id)
    told = {name: values.get(name) or None for name in Look.model_fields}
    volume = told.pop("volume")
    return Look.model_validate(told | {"volume": None if volume is None else int(volume)})


ROUTERS = (reading, changing)
