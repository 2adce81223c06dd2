"""Pictures that operators have given for kiosks: each is kept under its digest while a setting
names it, and told to the devices that it is for."""

from collections.abc import Sequence
from hashlib import sha256

from fastapi import APIRouter, Response
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.locks import lock
from cloud.fleet.orders import orders_for, settings_naming_pictures
from cloud.fleet.tables import PictureRow
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Caller
from protocol.fleet import PNG, Variant
from protocol.messages import ProblemType
from protocol.pictures import check

router: APIRouter = signed_request.router()


@router.get("/device/pictures/{digest}", response_class=Response)
async def fetch(call: Caller, digest: str) -> Response:
    """Returns a picture that the device is told to show."""
    told = (await orders_for(call)).pictures
    row = await find_picture(call.session, digest)
    if row is None or digest not in {picture.sha256 for picture in told}:
        raise Refusal(ProblemType.NOT_FOUND)
    return Response(row.content, media_type=PNG)


async def hold(session: AsyncSession) -> None:
    """Waits until nobody else changes which pictures are shown. Nobody does before the transaction
    ends, so none is forgotten that somebody is about to name."""
    await lock(session, "pictures of kiosks")


async def keep(session: AsyncSession, content: bytes, ink: Variant | None = None) -> str:
    """Keeps a picture and returns its digest. `ink` is for a logo. Raises NoPicture."""
    check(content)
    digest = sha256(content).hexdigest()
    await session.merge(PictureRow(sha256=digest, content=content, ink=ink))
    return digest


async def find_picture(session: AsyncSession, digest: str) -> PictureRow | None:
    """Returns a picture, None when there is none of this digest."""
    return await session.get(PictureRow, digest)


async def forget_unnamed(session: AsyncSession) -> None:
    """Deletes the pictures that no setting names any more."""
    naming = await settings_naming_pictures(session)
    named = {digest for setting in naming for digest in setting.value.split()}
    kept: Sequence[str] = (await session.scalars(select(PictureRow.sha256))).all()
    unnamed = [digest for digest in kept if digest not in named]
    await session.execute(delete(PictureRow).where(PictureRow.sha256.in_(unnamed)))
