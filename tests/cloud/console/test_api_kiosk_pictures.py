"""Pictures of kiosks are given, arranged and taken away with a key as on their page."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import cv2
import numpy as np
import pytest
from sqlalchemy import select

from cloud.console.roles import Role
from cloud.fleet import orders
from cloud.fleet.picture_making import MAX_FILE
from cloud.fleet.tables import PictureRow
from cloud.integrations.asking import Scope
from cloud.policy import Limits
from cloud.web.limits import LARGE_AT_ONCE, MAX_BODY, spend
from cloud.web.tables import StoredAnswer
from protocol.fleet import MAX_ATTRACT, PNG
from protocol.messages import ProblemType
from protocol.pictures import check
from tests.support.console import add_picture, member_of, site_of, trail
from tests.support.portal import Portal
from tests.support.systems import System, system_of

pytestmark = pytest.mark.anyio

BEGINS = b"\x89PNG\r\n\x1a\n"


def photo(shade: int, kind: str = ".jpg") -> bytes:
    return cv2.imencode(kind, np.full((30, 20, 3), shade, np.uint8))[1].tobytes()


def png(width: int, height: int, pixels: bytes) -> bytes:
    """Returns a PNG that says to have this size, grey."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    return BEGINS + b"".join(chunk(*part) for part in parts)


@pytest.fixture
async def shop(portal: Portal) -> str:
    return f"/sites/{await site_of(portal, 'first')}"


@pytest.fixture
async def system(portal: Portal) -> System:
    return await system_of(portal)


async def values(portal: Portal) -> dict[str, str]:
    async with portal.database.session() as session:
        return await orders.values_of(session, await site_of(portal, "first"))


async def shown(portal: Portal) -> list[str]:
    """Adds as many pictures to the welcome screen of the first merchant as it has."""
    site = await site_of(portal, "first")
    return [await add_picture(portal, site, "attract", shade) for shade in range(MAX_ATTRACT)]


async def test_a_logo_is_given_shown_and_taken_away(portal: Portal, system: System, shop: str):
    path = f"{shop}/pictures/logo"
    nothing = {"logo": None, "attract": []}
    assert await system.get(f"{shop}/pictures") == nothing
    logo = (await system.put(path, photo(90), content_type="image/jpeg"))["digest"]
    assert await system.get(f"{shop}/pictures") == nothing | {"logo": {"digest": logo, "ink": None}}
    answer = await system.ask("GET", f"/pictures/{logo}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, PNG)
    assert sha256(answer.content).hexdigest() == logo
    assert answer.headers["x-content-type-options"] == "nosniff"
    member = await member_of(portal, Role.MERCHANT, "first")
    assert f"/console/pictures/{logo}" in (await member.open(f"/console{shop}/content")).text
    # The one before is gone with it.
    other = (await system.put(path, photo(60), content_type="application/octet-stream"))["digest"]
    assert (await system.problem("GET", f"/pictures/{logo}"))[0] == 404
    assert (await system.ask("DELETE", path)).status_code == 204
    assert await system.get(f"{shop}/pictures") == nothing
    assert (await system.problem("DELETE", path))[:2] == (404, ProblemType.NOT_FOUND)
    assert (await system.problem("GET", f"/pictures/{other}"))[0] == 404
    rows = [row for row in await trail(await member_of(portal)) if "kiosks show" in str(row["act"])]
    assert [(row["who"], row["details"]) for row in rows] == [
        (system.name, {"what": "logo", "before": before, "now": now})
        for before, now in (("nothing", logo), (logo, other), (other, "nothing"))
    ]


async def test_pictures_are_added_and_arranged(portal: Portal, system: System, shop: str):
    path = f"{shop}/pictures/attract"
    answers = [
        await system.ask("POST", path, photo(shade, f".{kind}"), content_type=f"image/{kind}")
        for shade, kind in enumerate(("png", "jpeg", "webp"))
    ]
    one, two, three = (answer.json()["digest"] for answer in answers)
    assert (await system.get(f"{shop}/pictures"))["attract"] == [one, two, three]
    # One that is given again is the last.
    assert (await system.ask("POST", path, photo(0, ".png"))).json()["digest"] == one
    assert (await system.get(f"{shop}/pictures"))["attract"] == [two, three, one]
    told = await system.put(path, {"attract": [one, three]})
    assert told == {"logo": None, "attract": [one, three]}
    assert (await values(portal))["attract"].split() == [one, three]
    assert (await system.problem("GET", f"/pictures/{two}"))[0] == 404
    for wrong in ([one, two], [one, one], ["0" * 64]):
        body = {"attract": wrong}
        assert (await system.problem("PUT", path, body))[:2] == (409, ProblemType.CONFLICT)
    for wrong in (["0"], ["0" * 63 + "\0"], [one] * 7, one, None):
        assert (await system.problem("PUT", path, {"attract": wrong}))[0] == 422
    assert (await system.get(f"{shop}/pictures"))["attract"] == [one, three]
    assert await system.put(path, {"attract": []}) == {"logo": None, "attract": []}
    assert "attract" not in await values(portal)


async def test_a_picture_is_made_by_what_makes_those_of_the_page(
    portal: Portal, system: System, shop: str
):
    member = await member_of(portal, Role.SITE, "first", await site_of(portal, "first"))
    drawn = np.zeros((60, 200, 4), np.uint8)
    drawn[20:40, 50:150] = 240, 240, 240, 255
    file = cv2.imencode(".png", drawn)[1].tobytes()
    assert (await member.give(f"/console{shop}/pictures", file, kind="logo")).status_code == 200
    on_the_page = (await values(portal))["logo"]
    assert (await system.put(f"{shop}/pictures/logo", file))["digest"] == on_the_page
    told = (await system.get(f"{shop}/pictures"))["logo"]
    assert told == {"digest": on_the_page, "ink": "light"}


async def test_what_a_camera_has_noted_does_not_travel(portal: Portal, system: System, shop: str):
    file = photo(90)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    noted = file[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif + file[2:]
    digest = (await system.put(f"{shop}/pictures/logo", noted))["digest"]
    content = (await system.ask("GET", f"/pictures/{digest}")).content
    check(content)
    assert b"exif" not in content.lower()


async def test_what_is_no_picture_is_refused(portal: Portal, system: System, shop: str):
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    unreadable = "it is no PNG, JPEG or WebP that can be read"
    for what, body, kind, status, told in (
        ("SVG", svg, "image/svg+xml", 415, "send the bytes of a picture"),
        ("form", b"kind=logo", "multipart/form-data", 415, "send the bytes of a picture"),
        ("JSON", {"picture": "…"}, "", 415, "send the bytes of a picture"),
        ("nothing", None, "", 415, "send the bytes of a picture"),
        ("SVG that says to be a PNG", svg, PNG, 422, unreadable),
        ("SVG behind the beginning of a PNG", BEGINS + svg, PNG, 422, unreadable),
        ("empty", b"", PNG, 422, unreadable),
        ("GIF", b"GIF89a" + bytes(99), PNG, 422, unreadable),
        ("cut short", photo(90)[:40], PNG, 422, unreadable),
        ("bomb of 4 GiB", png(65_535, 65_535, zlib.compress(bytes(2**20))), PNG, 422, unreadable),
        ("bomb of 1 GiB", png(32_767, 32_767, zlib.compress(bytes(2**20))), PNG, 422, unreadable),
        ("no pixels", png(0, 0, zlib.compress(b"")), PNG, 422, unreadable),
    ):
        for method, path in (("PUT", "logo"), ("POST", "attract")):
            told_of = await system.problem(
                method, f"{shop}/pictures/{path}", body, content_type=kind
            )
            assert told_of[:2] == (status, ProblemType.MALFORMED), (what, told_of)
            assert told_of[2].startswith(told), what
    assert await values(portal) == {}
    async with portal.database.session() as session:
        assert await session.get(PictureRow, sha256(svg).hexdigest()) is None


async def test_a_bomb_that_is_no_larger_than_it_may_be_becomes_a_small_picture(
    portal: Portal, system: System, shop: str
):
    """Of 100 megapixels, in a tenth of a megabyte."""
    rows = zlib.compress(bytes(10_001 * 10_000))
    bomb = png(10_000, 10_000, rows)
    assert len(bomb) < 2**17
    digest = (await system.put(f"{shop}/pictures/logo", bomb))["digest"]
    check((await system.ask("GET", f"/pictures/{digest}")).content)


async def test_a_large_file_is_taken_from_who_may_give_one_alone(
    portal: Portal, system: System, shop: str
):
    path, large = f"{shop}/pictures/logo", photo(90) + bytes(MAX_FILE)
    assert (await system.problem("PUT", path, large))[:2] == (413, ProblemType.TOO_LARGE)
    # What follows a picture is no part of it.
    within = large[:MAX_FILE]
    assert "digest" in await system.put(path, within)
    reader = await system_of(portal, "first", Scope.CONTENT_READ)
    assert (await reader.problem("PUT", path, within))[0] == 403
    for at in ("look", "pictures/attract", "calendar"):
        body = bytes(MAX_BODY + 1)
        assert (await system.problem("PUT", f"{shop}/{at}", body))[0] == 413


async def test_a_welcome_screen_has_room_for_six(portal: Portal, system: System, shop: str):
    path, before = f"{shop}/pictures/attract", await shown(portal)
    status, kind, detail = await system.problem("POST", path, photo(90))
    assert (status, kind) == (409, ProblemType.CONFLICT)
    assert detail == f"there are {MAX_ATTRACT} pictures already: remove one first"
    assert (await system.get(f"{shop}/pictures"))["attract"] == before
    await system.put(path, {"attract": before[2:]})
    at_once = [system.ask("POST", path, photo(shade)) for shade in (90, 120, 150)]
    answers = await asyncio.gather(*at_once)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 409]
    given = [answer.json()["digest"] for answer in answers if answer.status_code == 200]
    told = (await system.get(f"{shop}/pictures"))["attract"]
    assert (told[:4], set(told[4:])) == (before[2:], set(given))


async def test_a_key_gives_so_many_pictures_in_an_hour(portal: Portal, system: System, shop: str):
    async with portal.database.session() as session:
        for _ in range(Limits.PICTURES.count):
            await spend(session, Limits.PICTURES, system.name, portal.now)
        await session.commit()
    told = await system.problem("PUT", f"{shop}/pictures/logo", photo(90))
    assert told[:2] == (429, ProblemType.TOO_MANY_ATTEMPTS)
    assert "digest" in await (await system_of(portal)).put(f"{shop}/pictures/logo", photo(90))


async def test_a_picture_is_added_once_for_its_key(portal: Portal, system: System, shop: str):
    path = f"{shop}/pictures/attract"
    first = await system.ask("POST", path, photo(90), once="picture-1")
    await system.put(path, {"attract": []})
    again = await system.ask("POST", path, photo(90), once="picture-1")
    assert again.json() == first.json()
    assert (await system.get(f"{shop}/pictures"))["attract"] == []
    told = await system.problem("POST", path, photo(60), once="picture-1")
    assert told[:2] == (422, ProblemType.IDEMPOTENCY_MISMATCH)


async def test_a_picture_that_is_fetched_is_kept_for_no_repetition(
    portal: Portal, system: System, shop: str
):
    digest = (await system.put(f"{shop}/pictures/logo", photo(90)))["digest"]
    for path in (f"/pictures/{digest}", f"{shop}/pictures"):
        assert (await system.ask("GET", path, once="my-picture")).is_success
    async with portal.database.reading() as session:
        assert (await session.scalars(select(StoredAnswer))).all() == []


async def test_few_files_of_a_key_are_read_at_once(system: System, shop: str):
    reading, most = 0, 0

    async def file() -> AsyncIterator[bytes]:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        content = photo(90)
        yield content[:99]
        # The others have the time of a whole request to begin.
        await system.get(f"{shop}/look")
        yield content[99:]
        reading -= 1

    path = f"/v1/merchants/first{shop}/pictures/logo"
    headers = {"x-api-key": system.key, "content-type": "image/jpeg"}
    put = system.http.put
    asked = [put(path, content=file(), headers=headers) for _ in range(2 * LARGE_AT_ONCE)]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {200}
    assert most == LARGE_AT_ONCE


async def test_pictures_of_another_merchant_are_neither_seen_nor_taken(
    portal: Portal, system: System, shop: str
):
    florist = await portal.merchant("Florist")
    site = await site_of(portal, florist)
    theirs = await add_picture(portal, site, "attract", 7)
    system_of_theirs = await system_of(portal, florist)
    assert (await system_of_theirs.ask("GET", f"/pictures/{theirs}", merchant=florist)).is_success
    assert (await system.problem("GET", f"/pictures/{theirs}"))[0] == 404
    operators = await system_of(portal, operators=True)
    assert (await operators.problem("GET", f"/pictures/{theirs}"))[0] == 404
    asks: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PUT", "/logo", photo(90)),
        ("DELETE", "/logo", None),
        ("POST", "/attract", photo(90)),
        ("PUT", "/attract", {"attract": [theirs]}),
    ]
    for method, path, body in asks:
        for merchant in ("first", florist):
            asked = f"/sites/{site}/pictures{path}"
            told = await system.problem(method, asked, body, merchant=merchant)
            assert told[:2] == (404, ProblemType.NOT_FOUND), (method, path)
    # A digest of theirs shows nothing of theirs here.
    told = await system.problem("PUT", f"{shop}/pictures/attract", {"attract": [theirs]})
    assert told[:2] == (409, ProblemType.CONFLICT)
    shown_there = await system_of_theirs.get(f"/sites/{site}/pictures", merchant=florist)
    assert shown_there == {"logo": None, "attract": [theirs]}
