"""What can be wrong with a device, as it is told to the operator.

DeviceFault
├── TemporaryFault      passes by itself: unplugged, stalled, busy
└── PermanentFault      stays until somebody does something about it
    └── BadAddress      no driver understands the address in the settings
"""


class DeviceFault(Exception):
    """`cause` says what happened and `remedy` what the operator can do about it. Neither is shown
    to a shopper."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause} {remedy}")
        self.cause = cause
        self.remedy = remedy


class TemporaryFault(DeviceFault):
    """A fault that passes by itself or when the device is plugged in: trying again is enough."""


class PermanentFault(DeviceFault):
    """A fault that stays until a setting, a permission or the device is changed."""


class BadAddress(PermanentFault):
    """The address names no driver, or an option its driver does not have."""
