"""`python -m ui`: what `./run kiosk` runs."""

import signal
import sys

# While nothing has been started there is nothing to end in order, and an interrupt must not print
# where it happened. QuitOnSignals takes over as soon as Qt runs.
signal.signal(signal.SIGINT, signal.SIG_DFL)

if "--self-test" in sys.argv[1:]:
    # It says what cannot be loaded.
    from kiosk.updates.self_test import main
else:
    from ui.app import main  # half a second of imports

sys.exit(main([word for word in sys.argv[1:] if word != "--self-test"]))
