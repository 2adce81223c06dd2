"""What a measurement is told as."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One number, the bound it is held to, and how it was taken.

    `limit` is the largest value allowed, or the smallest where `at_least`; None is a figure
    without a bound.
    """

    name: str
    value: float
    unit: str
    how: str
    limit: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool:
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit
