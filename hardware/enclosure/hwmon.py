"""A chassis intrusion contact of the main board, as Linux shows it.

`intrusion[0-*]_alarm` holds 1 once the chassis was opened, and keeps it until somebody writes 0
(Documentation/hwmon/sysfs-interface.rst of the kernel).
"""

from pathlib import Path

from hardware.address import Address
from hardware.faults import TemporaryFault


class IntrusionAlarm:
    def __init__(self, address: Address) -> None:
        """Raises BadAddress."""
        self._file = Path(address.rest)
        if not self._file.is_absolute():
            raise address.wrong(
                "names no file", "Write hwmon:/sys/class/hwmon/hwmon0/intrusion0_alarm."
            )
        self.name = str(address)

    def was_opened(self) -> bool:
        try:
            held = self._file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise TemporaryFault(
                f"The enclosure's contact {self.name} cannot be read ({why}).",
                "Look whether the kernel has this file, and correct 'enclosure' in the settings.",
            ) from None
        if held not in {"0", "1"}:
            raise TemporaryFault(
                f"The enclosure's contact {self.name} is no contact: it holds no 0 or 1.",
                "Name a file intrusion…_alarm below /sys/class/hwmon.",
            )
        return held == "1"
