"""Gives the pictures of a light challenge more time, in every Python process that finds this module
(`tests.support.unhurried`)."""

from datetime import timedelta

from protocol import binding

for name, value in vars(binding).copy().items():
    if name.endswith("_MS_AT_MOST"):
        setattr(binding, name, 60_000)
    elif isinstance(value, timedelta):
        setattr(binding, name, timedelta(minutes=1))
