"""`python -m ui`, which is `./run kiosk`."""

import sys

from ui.app import main

sys.exit(main(sys.argv[1:]))
