"""Lets something happen while a part of the service is being asked."""

import asyncio
from collections.abc import Callable
from typing import Any

from tests.support.served import Served


class Meanwhile:
    """While the block lasts, the first call of `context.<part>.<call>` is answered only after `act`
    was done, in a thread of its own. With `before`, `act` is done before the call itself. With
    `about`, it is the first call with this as its first argument: housekeeping calls as well."""

    def __init__(
        self,
        served: Served,
        part: str,
        call: str,
        act: Callable[[], object],
        *,
        before: bool,
        about: object = None,
    ) -> None:
        self._served = served
        self._part = part
        self._call = call
        self._act = act
        self._before = before
        self._about = about
        self._real = getattr(served.context, part)
        self.happened = False

    def __enter__(self) -> "Meanwhile":
        setattr(self._served.context, self._part, self)
        return self

    def __exit__(self, *_: object) -> None:
        setattr(self._served.context, self._part, self._real)

    def __len__(self) -> int:
        return len(self._real)

    def __getattr__(self, name: str) -> object:
        real = getattr(self._real, name)
        if name != self._call or self.happened:
            return real

        async def answer_late(*arguments: object) -> object:
            if self.happened or self._about not in (None, arguments[0]):
                return await real(*arguments)
            self.happened = True
            if self._before:
                await asyncio.to_thread(self._act)
            answer = await real(*arguments)
            if not self._before:
                await asyncio.to_thread(self._act)
            return answer

        return answer_late


class AllAtOnce:
    """A gallery whose first `count` searches are answered only when all of them are asked for."""

    def __init__(self, served: Served, count: int) -> None:
        self._served = served
        self._real = served.context.gallery
        self._left = count
        self._all_asked = asyncio.Event()

    def __enter__(self) -> "AllAtOnce":
        self._served.context.gallery = self  # pyright: ignore
        return self

    def __exit__(self, *_: object) -> None:
        self._served.context.gallery = self._real

    def __len__(self) -> int:
        return len(self._real)

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    async def search(self, *arguments: Any) -> object:
        found = await self._real.search(*arguments)
        self._left -= 1
        if self._left == 0:
            self._all_asked.set()
        await self._all_asked.wait()
        return found
