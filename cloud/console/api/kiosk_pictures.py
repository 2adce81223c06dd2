"""The pictures that the kiosks of a site show: the logo in place of the merchant's name, and the
pictures of the welcome screen.

A picture is sent as the bytes of a PNG, JPEG or WebP file. The service makes a PNG of bounded size
of it, which kiosks show, and names the picture by the digest of that PNG.
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
"""The description of a body that is a picture for the OpenAPI document. It names one content type,
because openapi-python-client 0.29 would make a client with one body for each."""

ContentType = Annotated[str, Header(include_in_schema=False)]
PictureDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""The SHA-256 of the PNG that kiosks show, in hexadecimal."""


class KioskLogo(Message):
    digest: PictureDigest
    ink: Variant | None
    """Whether the drawing of a logo with a transparent background is dark or light. A light one is
    shown on a dark plate, a dark one on a light plate."""


class KioskPictures(Message):
    """The pictures that the kiosks of a site show."""

    logo: KioskLogo | None
    """Null when the kiosks show the merchant's name."""
    attract: list[PictureDigest]
    """The pictures that alternate, in this order, while nobody touches the welcome screen."""


class GivenPicture(Message):
    """A picture that was accepted."""

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
    """Returns the PNG of a picture that kiosks of the merchant show."""
    return Response((await asked.picture(digest)).content, media_type=PNG)


@giving.put("/sites/{site_id}/pictures/logo", openapi_extra=FILE)
async def change_logo(asked: Asker, site_id: str, content_type: ContentType = "") -> GivenPicture:
    """Sets the logo."""
    return await _give(asked, site_id, "logo", content_type)


@changing.delete("/sites/{site_id}/pictures/logo", status_code=204)
async def remove_logo(asked: Asker, site_id: str) -> None:
    """Removes the logo. The kiosks show the merchant's name again."""
    await kiosk_pictures.remove_logo(asked.session, asked.by, await asked.site(site_id))


@giving.post("/sites/{site_id}/pictures/attract", openapi_extra=FILE)
async def add(asked: AskerOnce, site_id: str, content_type: ContentType = "") -> GivenPicture:
    """Adds a picture to the welcome screen, after the others."""
    return await _give(asked, site_id, "attract", content_type)


@changing.put("/sites/{site_id}/pictures/attract")
async def arrange(asked: Asker, site_id: str, arrangement: Arrangement) -> KioskPictures:
    """Sets the order of the pictures of the welcome screen, and removes those that are not
    named."""
    site = await asked.site(site_id)
    await kiosk_pictures.arrange(asked.session, asked.by, site, arrangement.attract)
    return await _told(asked, site)


async def _give(asked: Asked, site_id: str, kind: Kind, content_type: str) -> GivenPicture:
    site = await asked.site(site_id)
    if content_type.partition(";")[0].strip().lower() not in (*IMAGES, ANY_BYTES):
        detail = f"send the bytes of a picture with its content type: {', '.join(IMAGES)}"
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
