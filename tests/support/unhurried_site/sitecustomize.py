"""Gives the pictures of a light challenge more time, in every Python process that finds this module
(`tests.support.unhurried`)."""

import sys
from datetime import timedelta
from typing import Any

from protocol import binding


def unhurry(name: str, value: Any) -> None:
    more = 60_000 if name.endswith("_MS_AT_MOST") else timedelta(minutes=1)
    # A process that was forked has loaded its modules before, and some have names of their own.
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get(name) is value:
            setattr(module, name, more)


for name, value in vars(binding).copy().items():
    if name.endswith("_MS_AT_MOST") or isinstance(value, timedelta):
        unhurry(name, value)
