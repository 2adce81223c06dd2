"""Files with a key: a POST makes one ready, and GETs give it for some minutes.

What a POST is answered is kept for a day (`cloud.web.signed_request`), for which a file is too
large; and what is taken once must not be lost with an answer on its way. So the POST tells the name
of a file, and the key that has sent it gets the file by that name, made anew each time. The name
says sealed what is in it and until when it is given: nothing is stored.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from cryptography.exceptions import InvalidTag
from fastapi import Path
from pydantic import AwareDatetime, BaseModel

from cloud.console.api.asking import Asked
from cloud.console.four_eyes import Act, Arguments
from cloud.policy import Limits
from cloud.web import limits
from cloud.web.problems import Refusal
from protocol.messages import Message, ProblemType

FILE_LIFE = timedelta(minutes=10)
"""How long a file is given that was made ready."""

FileId = Annotated[str, Path(max_length=2048, description="The name of a file.")]

A = TypeVar("A", bound=Arguments)


class FileReady(Message):
    file_id: str
    """By which the same key gets the file, until `expires_at`."""
    expires_at: AwareDatetime


class _Name(BaseModel):
    """What the name of a file says."""

    given: str
    """The arguments of the act, as JSON."""
    until: AwareDatetime


def make_ready(asked: Asked, act: Act[A], given: A) -> FileReady:
    """Makes the file ready that an act is about, at the path of whoever asks."""
    name = _Name(given=given.model_dump_json(), until=asked.now + FILE_LIFE)
    said = name.model_dump_json().encode()
    sealed = asked.context.master.outbox.seal(said, _place(asked, act.name))
    return FileReady(file_id=urlsafe_b64encode(sealed).decode(), expires_at=name.until)


async def content_of(asked: Asked, act: Act[A], file_id: str) -> A:
    """Returns what is in a file that the same key has made ready at the same path, to be given
    now. Raises Refusal."""
    try:
        sealed = urlsafe_b64decode(file_id)
        said = asked.context.master.outbox.open(sealed, _place(asked, act.name))
    except (ValueError, InvalidTag):
        raise Refusal(ProblemType.NOT_FOUND) from None
    name = _Name.model_validate_json(said)
    if name.until <= asked.now:
        raise Refusal(ProblemType.EXPIRED, "the file is not given any more: ask for another")
    await count(asked)
    return act.arguments.model_validate_json(name.given)


async def count(asked: Asked) -> None:
    """Counts the work of making a file. Raises Refusal."""
    await limits.spend(asked.session, Limits.FILES, asked.by.who, asked.now)


def given_as(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Describes a file to OpenAPI."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}}


def not_there() -> Refusal:
    """Returns what answers a key that takes what it cannot take."""
    detail = "nobody has approved it, it was taken already, or a day has passed"
    return Refusal(ProblemType.CONFLICT, detail)


def _place(asked: Asked, act: str) -> str:
    return f"file/{act}/{asked.by.who}/{asked.reach.merchant_id or ''}"
