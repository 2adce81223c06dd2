"""Names the product that is tested, so that a log holds results of one product only."""

import hashlib
import subprocess
from dataclasses import dataclass

from lab.sets import ROOT
from palm.models import Model, path

_PARTS = ("palm", "protocol", "cloud/vault", "cloud/policy.py", "kiosk/capture", "lab/harness")
"""What decides about a palm, from the camera's picture to the answer."""


@dataclass(frozen=True, slots=True)
class Build:
    version: str
    """The commit, with a `+` where files were changed since."""
    digest: str
    """SHA-256 over the sources of `_PARTS` and the models, in hex."""


def frozen() -> Build:
    """Returns the build that runs. Raises ModelMissing."""
    whole = hashlib.sha256()
    sources = [
        file
        for part in _PARTS
        for file in ([ROOT / part] if part.endswith(".py") else (ROOT / part).rglob("*.py"))
    ]
    for file in sorted([*sources, *map(path, Model)]):
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
