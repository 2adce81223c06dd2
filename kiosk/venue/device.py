"""What this kiosk is at a pretix server: a scanning device, with the key that it was given."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_serializer,
)

from kiosk.faults import FileUnusable
from protocol.files import remove_durably
from protocol.sealed import SealedPath
from protocol.storage import cause_and_remedy

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def _safe(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("only https is safe, but on this machine itself")
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("this is no address of a server")
    return url.rstrip("/")


Address = Annotated[str, AfterValidator(_safe)]
"""An https address, or http on this machine."""


class Gate(BaseModel):
    """The gate that the organiser has assigned a device to."""

    model_config = ConfigDict(frozen=True)

    id: int
    name: str


class Device(BaseModel):
    """The device, and the list that its gate lets in."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    url: Address
    organizer: str = Field(min_length=1, pattern=r"^[^/?#\s]+$")
    number: int
    """Its number at this organiser."""
    serial: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_-]+$")
    """Its unique serial number at this server."""
    token: SecretStr
    """The key to the API, which is this device's alone."""
    name: str
    gate: Gate | None = None
    event: str | None = Field(default=None, pattern=r"^[^/?#\s]+$")
    """The slug of the event; None until it is chosen."""
    list: int | None = None
    """The id of the check-in list; None until it is chosen."""

    @field_serializer("token", when_used="json")
    def _reveal(self, token: SecretStr) -> str:
        return token.get_secret_value()


class DeviceFile:
    """The private file that keeps it."""

    def __init__(self, file: SealedPath) -> None:
        self._file = file
        self.path = file.path

    def load(self) -> Device | None:
        """Returns the device, None when this kiosk is none. Raises FileUnusable."""
        try:
            content = self._file.read()
            return None if content is None else Device.model_validate_json(content)
        except OSError as error:
            raise FileUnusable(self.path, *cause_and_remedy(error)) from None
        except ValueError:
            # Without the cause, which may quote the token.
            raise FileUnusable(
                self.path,
                f"What this kiosk is at pretix, in {self.path}, is damaged.",
                "Restore it from a backup, or remove it and sign the kiosk on again with a new "
                "QR code of pretix.",
            ) from None

    def keep(self, device: Device) -> None:
        """Raises FileUnusable."""
        try:
            self._file.write(device.model_dump_json().encode())
        except OSError as error:
            raise FileUnusable(self.path, *cause_and_remedy(error)) from None

    def forget(self) -> None:
        """Raises FileUnusable."""
        try:
            remove_durably(self.path)
        except OSError as error:
            raise FileUnusable(self.path, *cause_and_remedy(error)) from None
