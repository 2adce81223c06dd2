"""The units that systemd starts the programs by."""

import configparser
from pathlib import Path

PACKAGED = Path(__file__).parents[2] / "packaging" / "units"


def unit(name: str | Path) -> configparser.SectionProxy:
    """Returns how a unit of the packages, or one at a path, runs its program."""
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # pyright: ignore[reportAttributeAccessIssue] - as its manual says
    parsed.read_string((PACKAGED / name).read_text().replace("\\\n", " "))
    return parsed["Service"]
