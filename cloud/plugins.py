"""Makes the parts that the settings name as `module:class`."""

from importlib import import_module
from typing import Any

MOVED = {
    "palm.fused:FusedSigner": "palm.template.fused:FusedExtractor",
    "palm.fused:FusedMatcher": "palm.template.fused:FusedMatcher",
    "palm.linefield:LineFieldSigner": "palm.template.linefield:LineFieldExtractor",
    "palm.linefield:LineFieldMatcher": "palm.template.linefield:LineFieldMatcher",
}
"""Names in settings written before version 0.2, and their present names."""


class NoSuchPart(ValueError):
    """The settings name a part that does not exist."""


def make(name: str) -> Any:
    """Returns an instance of the class that `name` names. Raises NoSuchPart."""
    module, _, attribute = MOVED.get(name, name).partition(":")
    try:
        return getattr(import_module(module), attribute)()
    except (ImportError, AttributeError, ValueError) as error:
        raise NoSuchPart(f"{name!r} in the settings cannot be used: {error}") from error
