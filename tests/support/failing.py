"""A payment provider that fails for a while."""

from cloud.providers import Declined, Paid, ProviderUnavailable
from tests.support.served import Served


class Failing:
    """Replaces the provider of a service, so that `call` fails, whoever makes it: housekeeping may
    be about the same. With `works` it does its work and the answer is lost, otherwise nothing is
    done."""

    def __init__(self, served: Served, call: str, *, works: bool) -> None:
        self._real = served.context.payments
        self._served = served
        self._call = call
        self._works = works

    def __enter__(self) -> "Failing":
        self._served.context.payments = self  # pyright: ignore
        return self

    def __exit__(self, *_: object) -> None:
        self._served.context.payments = self._real

    def __getattr__(self, name: str) -> object:
        real = getattr(self._real, name)
        if name != self._call:
            return real

        async def fail(*arguments: object, **options: object) -> Paid | Declined | str:
            if self._works:
                await real(*arguments, **options)
            raise ProviderUnavailable("the line went dead")

        return fail
