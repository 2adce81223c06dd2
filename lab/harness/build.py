"""Names the product that is tested, so that a log holds results of one product only."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.sets import ROOT
from palm.models import Model, path

_PARTS = ("palm", "protocol", "cloud/vault", "cloud/policy.py", "kiosk/capture", "lab/harness")
"""What decides about a palm, from the camera's picture to the answer."""
_KINDS = ("*.py", "*.npz")
"""Sources, and the axes and strangers that templates are made with."""


@dataclass(frozen=True, slots=True)
class Build:
    version: str
    """The commit, with a `+` where files were changed since."""
    digest: str
    """SHA-256 over the files that decide, in hex."""


def deciding() -> list[Path]:
    """Returns the files that decide about a palm, in order. Raises ModelMissing."""
    found = {path(model) for model in Model}
    for part in _PARTS:
        if part.endswith(".py"):
            found.add(ROOT / part)
        else:
            found |= {file for kind in _KINDS for file in (ROOT / part).rglob(kind)}
    return sorted(found)


def frozen() -> Build:
    """Returns the build that runs. Raises ModelMissing."""
    whole = hashlib.sha256()
    for file in deciding():
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        whole.update(f"{file.relative_to(ROOT)} {content}\n".encode())
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"],  # noqa: S607 - git from the path
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return Build(described.stdout.strip() or "unknown", whole.hexdigest())
