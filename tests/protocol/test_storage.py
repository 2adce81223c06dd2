"""A disk that is full, over its quota, read-only or broken is one family of faults."""

import errno
import os

import pytest

from protocol.storage import CAUSES, REMEDIES, StorageFault, cause_and_remedy, storage_fault


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.ENOSPC, StorageFault.FULL),
        (errno.EDQUOT, StorageFault.QUOTA),
        (errno.EFBIG, StorageFault.QUOTA),
        (errno.EROFS, StorageFault.READ_ONLY),
        (errno.EIO, StorageFault.BROKEN),
        (errno.EUCLEAN, StorageFault.BROKEN),
        (errno.ESTALE, StorageFault.BROKEN),
        (errno.EACCES, None),
        (errno.ENOENT, None),
        (errno.ECONNREFUSED, None),
    ],
)
def test_an_error_of_the_disk_is_told_from_others(number: int, fault: StorageFault | None):
    assert storage_fault(OSError(number, os.strerror(number))) is fault


@pytest.mark.parametrize(
    "number",
    [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES, errno.EISDIR, errno.ENOENT, errno.EMFILE],
)
def test_an_operator_is_told_the_file_the_cause_and_a_remedy(number: int):
    cause, remedy = cause_and_remedy(OSError(number, os.strerror(number), "/state/staff.json"))
    assert "/state/staff.json" in cause
    assert remedy.endswith(".")
    assert remedy[0].isupper()


def test_an_error_that_names_no_file_is_told_all_the_same():
    assert all(cause_and_remedy(OSError("nothing is known")))
    assert all(cause_and_remedy(TimeoutError()))


def test_every_fault_has_a_cause_and_a_remedy_of_its_own():
    assert set(CAUSES) == set(REMEDIES) == set(StorageFault)
    assert len(set(CAUSES.values())) == len(set(REMEDIES.values())) == len(StorageFault)
