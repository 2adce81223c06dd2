"""Where the sets of real palms are. docs/palm-sets.md says how to get them and lay them out.

The environment variable PALM_SETS names their folder; a relative path starts at the repository,
and the default is `../shared/palms`. Each set is a folder of HAND/SAMPLE images.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The root folder of the repository."""

PALM_SETS = ROOT / os.environ.get("PALM_SETS", "../shared/palms")
