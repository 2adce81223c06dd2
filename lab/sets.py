"""Where the sets of real palms are, of which docs/palm-sets.md tells how to get them.

The environment variable PALM_SETS names the folder; without it `../shared/palms`, beside the
repository, is meant. Each set is a folder of HAND/SAMPLE images in it.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The repository."""

PALM_SETS = ROOT / os.environ.get("PALM_SETS", "../shared/palms")
