"""`python -m ui`: what `./run kiosk` runs."""

import signal
import sys

# Before anything is started, an interrupt may end the process at once, without a traceback.
# QuitOnSignals takes over as soon as Qt runs.
signal.signal(signal.SIGINT, signal.SIG_DFL)

if "--self-test" in sys.argv[1:]:
    # It is imported here, so that it can report modules that cannot be loaded.
    from kiosk.updates.self_test import main
else:
    from ui.app import main  # half a second of imports

sys.exit(main([word for word in sys.argv[1:] if word != "--self-test"]))
