"""`python -m ui`: what `./run kiosk` runs."""

import signal
import sys

# While nothing has been started there is nothing to end in order, and an interrupt must not print
# where it happened. QuitOnSignals takes over as soon as Qt runs.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from ui.app import main  # noqa: E402 - half a second of imports

sys.exit(main(sys.argv[1:]))
