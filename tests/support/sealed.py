"""Files of a state folder as the kiosk there reads and writes them."""

from pathlib import Path

from kiosk.sealing import SealedState, open_state
from protocol.sealed import SealedPath


def state_of(folder: Path) -> SealedState:
    """Returns a state folder with its key, which no TPM seals."""
    return open_state(folder, "none:")


def sealed(path: Path) -> SealedPath:
    """Returns a file or a folder that stands in a state folder itself."""
    return state_of(path.parent).files / path.name
