"""Parts that are named in the settings, as `module:class`."""

from importlib import import_module
from typing import Any


class NoSuchPart(ValueError):
    """The settings name something that is not there."""


def make(name: str) -> Any:
    """An instance of the class that `name` names. Raises NoSuchPart."""
    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute)()
    except (ImportError, AttributeError, ValueError) as error:
        raise NoSuchPart(f"{name!r} in the settings cannot be used: {error}") from error
