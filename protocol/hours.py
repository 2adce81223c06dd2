"""The hours at which a door or a kiosk is open to people, as an operator writes them.

`mon-fri 07:00-19:00; sat 09:00-13:00` names days and one or more times of each; what it does not
name is closed, and an empty text is open at any time. A time that ends at or before it begins ends
on the next day: `fri 22:00-06:00` closes on Saturday at six. Times are those of the site's time
zone, so that a day on which its clocks change has the hours that its clocks show.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RULE = re.compile(r"(?P<days>[a-z,-]+)\s+(?P<times>[0-9:,\s-]+)")
_SPAN = re.compile("([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00))")


@dataclass(frozen=True, slots=True)
class Span:
    """One time at which a door is open, every week."""

    day: int
    """The day on which it begins, 0 for Monday."""
    begin: time
    end: time
    """On the next day when it is not after `begin`."""

    def holds(self, at: datetime, closed: Collection[date]) -> bool:
        """Returns whether a local time lies within it. A span that begins on a closed day is left
        out; one that began the evening before is not."""
        began = at.date() - timedelta(days=(at.weekday() - self.day) % 7)
        if began in closed:
            return False
        ends = began if self.end > self.begin else began + timedelta(days=1)
        local = at.replace(tzinfo=None)
        return datetime.combine(began, self.begin) <= local < datetime.combine(ends, self.end)


@dataclass(frozen=True, slots=True)
class Hours:
    spans: tuple[Span, ...]
    """Empty for a door that is always open."""

    @classmethod
    def parse(cls, text: str) -> "Hours":
        """Raises ValueError, which says what is wrong."""
        rules = [rule.strip().lower() for rule in text.split(";") if rule.strip()]
        return cls(tuple(span for rule in rules for span in _spans(rule)))

    def are_open(self, at: datetime, zone: ZoneInfo, closed: Collection[date] = ()) -> bool:
        """Returns whether somebody may pass at a time. `closed` are the site's holidays."""
        local = at.astimezone(zone)
        if not self.spans:
            return local.date() not in closed
        return any(span.holds(local, closed) for span in self.spans)


def _spans(rule: str) -> list[Span]:
    found = _RULE.fullmatch(rule)
    if found is None:
        raise ValueError(f"'{rule}' is not written as days and times, such as mon-fri 07:00-19:00")
    times = [_times(each.strip()) for each in found["times"].split(",")]
    return [Span(day, begin, end) for day in _days(found["days"]) for begin, end in times]


def _days(text: str) -> list[int]:
    days: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            raise ValueError(f"'{part}' names no days: they are {', '.join(_DAYS)}")
        begin = _DAYS.index(first)
        count = (_DAYS.index(last) - begin) % 7 + 1 if dash else 1
        days += [(begin + more) % 7 for more in range(count)]
    return days


def _times(text: str) -> tuple[time, time]:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is not a time of the day from and to, such as 07:00-19:00")
    hour, minute, until, until_minute = (int(each) for each in found.groups() if each is not None)
    return time(hour, minute), time(until % 24, until_minute)
