"""What is fixed before the first presentation: a TOML file, whose digest is in the log."""

import hashlib
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class AskPulse(StrEnum):
    """When the hand is held longer for its pulse."""

    NEVER = "never"
    UNSURE = "unsure"
    """When the light alone does not make the judgement sure, as a kiosk does."""
    ALWAYS = "always"
    """As a kiosk does above the operator's amount."""


class Plan(BaseModel):
    """The rules of a test."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    """The presentations of one transaction: the first that is accepted ends it."""
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    """The time of one transaction, over all its tries."""
    liveness: bool = True
    """Whether a palm has to answer a light challenge. Without it plain pictures are taken too, and
    only recognition is tested."""
    infrared: bool = False
    """Whether every presentation has to be seen in near infrared as well."""
    pulse: AskPulse = AskPulse.UNSURE
    species: tuple[str, ...] = ()
    """The species of artefacts that are presented (ISO/IEC 30107-3); no other is taken."""


@dataclass(frozen=True, slots=True)
class FixedPlan:
    plan: Plan
    digest: str
    """SHA-256 of the file, in hex."""


class WrongPlan(ValueError):
    """The plan cannot be used; the message says what is wrong with it."""


def read_plan(file: Path) -> FixedPlan:
    """Raises WrongPlan."""
    try:
        written = file.read_bytes()
        plan = Plan.model_validate(tomllib.loads(written.decode()))
    except (OSError, ValueError) as error:
        told = _told(error) if isinstance(error, ValidationError) else str(error)
        raise WrongPlan(f"the plan {file} cannot be used: {told}") from None
    return FixedPlan(plan, hashlib.sha256(written).hexdigest())


def _told(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
