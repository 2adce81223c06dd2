"""Why a disk stores nothing any more, and what to do about it.

A disk that is full, over its quota, read-only or broken is one family of faults: whatever was to be
written is not written, nothing that was written before is lost, and only an operator can help.
"""

import errno
from enum import StrEnum


class StorageFault(StrEnum):
    """The members of the family."""

    FULL = "full"
    QUOTA = "quota"
    READ_ONLY = "read_only"
    BROKEN = "broken"


_ERRNOS = {
    errno.ENOSPC: StorageFault.FULL,
    errno.EDQUOT: StorageFault.QUOTA,
    errno.EFBIG: StorageFault.QUOTA,
    errno.EROFS: StorageFault.READ_ONLY,
    errno.EIO: StorageFault.BROKEN,
    errno.EREMOTEIO: StorageFault.BROKEN,
    errno.ESTALE: StorageFault.BROKEN,
    errno.EUCLEAN: StorageFault.BROKEN,
}

CAUSES = {
    StorageFault.FULL: "the disk is full",
    StorageFault.QUOTA: "the quota of the disk is used up",
    StorageFault.READ_ONLY: "the disk is read-only",
    StorageFault.BROKEN: "the disk or the file on it is broken",
}
"""The cause in words, for logs and for the end of a sentence."""

REMEDIES = {
    StorageFault.FULL: "Make room on it.",
    StorageFault.QUOTA: "Make room on it, or raise the quota.",
    StorageFault.READ_ONLY: "Mount it writable. If the system made it read-only, check the disk.",
    StorageFault.BROKEN: "Check the disk and its cable, and restore the files from a backup.",
}


def storage_fault(error: BaseException) -> StorageFault | None:
    """Returns which fault of the disk an error of the system tells, None for any other error."""
    return _ERRNOS.get(error.errno or 0) if isinstance(error, OSError) else None


def cause_and_remedy(error: OSError) -> tuple[str, str]:
    """Returns what an operator is told about a file that cannot be used, a sentence each."""
    name = error.filename if error.filename2 is None else error.filename2
    what = f"{name} cannot be used" if name is not None else "A file or socket cannot be used"
    fault = storage_fault(error)
    if fault is not None:
        return f"{what}: {CAUSES[fault]}.", REMEDIES[fault]
    cause = f"{what}: {error.strerror or type(error).__name__}."
    match error:
        case PermissionError():
            return cause, "Correct its owner and its permissions."
        case IsADirectoryError() | NotADirectoryError() | FileExistsError():
            return cause, "Move away what stands there: something of another kind is expected."
        case FileNotFoundError():
            return cause, "Restore it, or correct the path."
        case _:
            return cause, "Correct that and start again."
