"""What the simulated phones of a site's services have received."""

import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx
from pydantic import TypeAdapter

from kiosk.service.client import TextMessage

MESSAGES = TypeAdapter(list[TextMessage])


class Phones:
    """Each service has a simulated phone, which receives what that service has sent."""

    def __init__(self, urls: Sequence[str], ca: Path) -> None:
        trusted = ssl.create_default_context(cafile=ca)
        self._http = httpx.AsyncClient(verify=trusted, trust_env=False)
        self._read = dict.fromkeys(urls, 0)
        """How many messages of each service's phone were read."""

    async def unread(self) -> list[TextMessage]:
        """Returns what has come since this was last asked, in order of time. A service that is away
        has sent nothing."""
        unread: list[TextMessage] = []
        for url, read in self._read.items():
            with suppress(httpx.HTTPError):
                answer = await self._http.get(f"{url}/v1/sandbox/messages", params={"after": read})
                answer.raise_for_status()
                unread += (new := MESSAGES.validate_json(answer.content))
                self._read[url] = max([read, *(message.number for message in new)])
        return sorted(unread, key=lambda message: message.at)

    async def close(self) -> None:
        await self._http.aclose()
