"""The result of a measurement."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One number, its bound, and how it was measured.

    `limit` is the largest allowed value, or the smallest one where `at_least` is true. A figure
    without a bound has None.
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
