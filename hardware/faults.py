"""What can be wrong with a device, told to the operator.

DeviceFault
├── TemporaryFault      goes away by itself: unplugged, stalled, busy
└── PermanentFault      stays until somebody does something about it
    └── BadAddress      the address in the settings says nothing a driver understands
"""


class DeviceFault(Exception):
    """`cause` says what happened, `remedy` what the operator can do about it. Neither is shown to
    a shopper."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause} {remedy}")
        self.cause = cause
        self.remedy = remedy


class TemporaryFault(DeviceFault):
    """Goes away by itself, or when the cable is put back: trying again is enough."""


class PermanentFault(DeviceFault):
    """Stays until a setting, a permission or the device itself is changed."""


class BadAddress(PermanentFault):
    """The address names no driver, or an option its driver does not have."""
