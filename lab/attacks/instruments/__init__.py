"""Attack instruments to which no weight of the judge was fitted, an instrument a file.

A file names its instrument in NAME, and in RECIPES the ways to make it: an attacker takes the one
that works best, so the worst recipe counts. Nothing else lists them: a new file is found by itself.
How real instruments differ from these models is not known (docs/liveness.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from lab.attacks.staging import Recipe


@dataclass(frozen=True, slots=True)
class Species:
    """An instrument and the ways to make it, by name."""

    name: str
    recipes: Mapping[str, Recipe]


@cache
def species() -> tuple[Species, ...]:
    """Returns the instruments of this folder, in the order of their files."""
    modules = [import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)]
    return tuple(Species(module.NAME, module.RECIPES) for module in modules)
