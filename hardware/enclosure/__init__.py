"""The contact that tells whether the kiosk's enclosure was opened."""

from hardware.address import Address
from hardware.enclosure.contact import Contact
from hardware.enclosure.hwmon import IntrusionAlarm
from hardware.enclosure.sim import SimulatedContact

__all__ = ["Contact", "IntrusionAlarm", "SimulatedContact", "contact_at"]


def contact_at(text: str | None) -> Contact | None:
    """Returns the contact that an address names; None without one. Raises BadAddress."""
    if text is None:
        return None
    address = Address.parse(text)
    match address.scheme:
        case "hwmon":
            address.known()
            return IntrusionAlarm(address)
        case "sim":
            address.known()
            return SimulatedContact()
        case scheme:
            raise address.wrong(
                f"names no contact of an enclosure: there is no '{scheme}'",
                "Use hwmon:/sys/class/hwmon/hwmon0/intrusion0_alarm, or sim:.",
            )
