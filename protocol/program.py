"""What the program's commands are called where it runs, for usages and remedies: packaged they have
other names than in the repository."""

import sys

PACKAGED = bool(getattr(sys, "frozen", False))
"""Whether this is the program that `./run package` builds."""
KIOSK = "palm-kiosk" if PACKAGED else "./run kiosk"
CLOUD = "palm-cloud" if PACKAGED else "./run cloud"
MODULE = "palm-kiosk -m" if PACKAGED else "python -m"
VERIFY_RECEIPT = "palm-kiosk -m protocol.verify_receipt" if PACKAGED else "./run verify-receipt"
