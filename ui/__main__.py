"""`python -m ui`: what `./run kiosk` runs."""

import sys

from ui.app import main

sys.exit(main(sys.argv[1:]))
