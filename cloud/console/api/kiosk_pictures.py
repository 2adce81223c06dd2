"""The pictures that the kiosks of a site show: the logo in the place of the merchant's name, and
those of the welcome screen.

A picture is sent as the bytes of a PNG, JPEG or WebP, and a kiosk gets what is made of it: a PNG of
bounded size. It is known by that one's digest.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import Field, StringConstraints

from cloud.console import kiosk_pictures
from cloud.console.api.asking import Asked, Asker, AskerOnce, router
from cloud.console.kiosk_pictures import NoRoom, shown_at
from cloud.console.roles import Right
from cloud.fleet.picture_making import Kind
from cloud.integrations.asking import Scope
from cloud.merchants.merchants import SiteRow
from cloud.web.problems import Refusal
from protocol.fleet import MAX_ATTRACT, PNG, Variant
from protocol.messages import Message, ProblemType
from protocol.pictures import NoPicture

reading: APIRouter = router(Right.SEE, Scope.CONTENT_READ)
changing: APIRouter = router(Right.CONTENT, Scope.CONTENT_WRITE)
giving: APIRouter = router(Right.CONTENT, Scope.CONTENT_WRITE, files=True)

IMAGES = (PNG, "image/jpeg", "image/webp")
ANY_BYTES = "application/octet-stream"
BYTES = {"schema": {"type": "string", "format": "binary"}}
FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"A picture. Its content type may also be {', '.join(IMAGES)}.",
        "content": {ANY_BYTES: BYTES},
    }
}
"""Describes to OpenAPI a body that is a picture. Of several types a client would be made that has a
body of each (openapi-python-client 0.29)."""

ContentType = Annotated[str, Header(include_in_schema=False)]
PictureDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""The SHA-256 of what kiosks get, in hexadecimal."""


class KioskLogo(Message):
    digest: PictureDigest
    ink: Variant | None
    """Whether what it draws is dark or light, where its ground is transparent: what is light is
    drawn on a dark plate, and the other way round."""


class KioskPictures(Message):
    """What the kiosks of a site show."""

    logo: KioskLogo | None
    """null for the merchant's name."""
    attract: list[PictureDigest]
    """Shown by turns while nobody touches the welcome screen, in this order."""


class GivenPicture(Message):
    """A picture that was taken, and made into what kiosks get."""

    digest: PictureDigest


class Arrangement(Message):
    """Pictures of the welcome screen, in the order in which they are shown."""

    attract: Annotated[list[PictureDigest], Field(max_length=MAX_ATTRACT)]


@reading.get("/sites/{site_id}/pictures")
async def show_all(asked: Asker, site_id: str) -> KioskPictures:
    return await _told(asked, await asked.site(site_id))


@reading.get(
    "/pictures/{digest}",
    response_class=Response,
    responses={200: {"content": {PNG: BYTES}}},
)
async def show(asked: Asker, digest: str) -> Response:
    """Returns a picture that kiosks of the merchant show, as they get it."""
    return Response((await asked.picture(digest)).content, media_type=PNG)


@giving.put("/sites/{site_id}/pictures/logo", openapi_extra=FILE)
async def change_logo(asked: Asker, site_id: str, content_type: ContentType = "") -> GivenPicture:
    """Takes a logo in the place of the one before."""
    return await _give(asked, site_id, "logo", content_type)


@changing.delete("/sites/{site_id}/pictures/logo", status_code=204)
async def remove_logo(asked: Asker, site_id: str) -> None:
    """Has kiosks show the merchant's name again."""
    await kiosk_pictures.remove_logo(asked.session, asked.by, await asked.site(site_id))


@giving.post("/sites/{site_id}/pictures/attract", openapi_extra=FILE)
async def add(asked: AskerOnce, site_id: str, content_type: ContentType = "") -> GivenPicture:
    """Takes one more picture for the welcome screen, behind the others."""
    return await _give(asked, site_id, "attract", content_type)


@changing.put("/sites/{site_id}/pictures/attract")
async def arrange(asked: Asker, site_id: str, arrangement: Arrangement) -> KioskPictures:
    """Has the welcome screen show its pictures in this order, and none that is left out."""
    site = await asked.site(site_id)
    await kiosk_pictures.arrange(asked.session, asked.by, site, arrangement.attract)
    return await _told(asked, site)


async def _give(asked: Asked, site_id: str, kind: Kind, content_type: str) -> GivenPicture:
    site = await asked.site(site_id)
    if content_type.partition(";")[0].strip().lower() not in (*IMAGES, ANY_BYTES):
        detail = f"send the bytes of a picture, with its content type: {', '.join(IMAGES)}"
        raise Refusal(ProblemType.MALFORMED, detail, status=415)
    try:
        content = asked.call.body
        digest = await kiosk_pictures.give(asked.session, asked.by, site, kind, content)
    except NoRoom as full:
        raise Refusal(ProblemType.CONFLICT, str(full)) from None
    except NoPicture as why:
        raise Refusal(ProblemType.MALFORMED, str(why), status=422) from None
    return GivenPicture(digest=digest)


async def _told(asked: Asked, site: SiteRow) -> KioskPictures:
    shown = await shown_at(asked.session, site)
    logo = shown.logo and KioskLogo.model_validate(
        {"digest": shown.logo.sha256, "ink": shown.logo.ink}
    )
    return KioskPictures(logo=logo, attract=list(shown.attract))


ROUTERS = (reading, changing, giving)
