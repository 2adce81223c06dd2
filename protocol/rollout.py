"""Which version of the program a kiosk shall run: what `./run release` signs and a kiosk's updater
reads (docs/updates.md)."""

from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

FILE = "rollout.json"
"""The name of the target that holds it."""
RINGS = (1, 10, 100)
"""Percent of the kiosks that a version goes to, one ring after the other."""

Version = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}$")]


def order(version: str) -> tuple[int, ...]:
    """Returns what versions are compared by."""
    return tuple(map(int, version.split(".")))


def target_of(version: str, machine: str) -> str:
    """Returns the name of the target that is the program, for machines as `platform.machine` names
    them."""
    return f"palm-kiosk-{version}-{machine}.tar.xz"


def bill_of(version: str) -> str:
    """Returns the name of the target that says what the program is made of, by CycloneDX."""
    return f"palm-kiosk-{version}.cdx.json"


def place_of(device_id: str) -> int:
    """Returns the place of a kiosk among a hundred, 0 to 99, which it always has: the same kiosks
    are the first each time, so that somebody can look at them."""
    return int.from_bytes(sha256(device_id.encode()).digest()[:8], "big") % 100


class Build(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    ring: int = Field(ge=0, le=100)
    """Percent of the kiosks that take it."""
    unpacked: int = Field(gt=0)
    """Its size on a disk, in bytes."""


class Rollout(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    builds: dict[Version, Build] = {}
    paused: bool = False
    """Kiosks stay at what they have."""
    pinned: Version | None = None
    """The one version that all kiosks take, older or newer than what they have."""

    def wanted(self, device_id: str) -> str | None:
        """Returns the version that a kiosk shall run, None where it stays at what it has."""
        if self.paused:
            return None
        if self.pinned is not None:
            return self.pinned
        place = place_of(device_id)
        return max(
            (version for version, build in self.builds.items() if place < build.ring),
            key=order,
            default=None,
        )
