"""Device addresses as they are written in the settings: `scheme:rest?query`.

v4l2:/dev/v4l/by-id/usb-Maker_Camera-video-index0?size=1280x720&fps=30&rotate=180
replay:clip.mp4?loop=0
rtsp://camera.local/stream
sim:shopper?seed=7
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

from hardware.faults import BadAddress

_LOCAL = (
    *("v4l2", "replay", "sim", "serial", "osdp", "wiegand", "relay", "none", "alsa"),
    *("device", "swtpm"),
)
_NETWORK = ("http", "https", "rtsp", "rtsps")


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address: `rest` is the part between the scheme and the query, `options` the
    query."""

    scheme: str
    rest: str = field(repr=False)
    options: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)
    """The address as written. It may contain a password: log the address itself, never this."""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Returns the address in `text`. Raises BadAddress."""
        scheme, colon, after = text.strip().partition(":")
        if not colon or not scheme:
            raise BadAddress(
                f"The device address '{_shown(text)}' has no scheme.",
                "Write it as scheme:rest, for example v4l2:/dev/video0 or sim:shopper.",
            )
        rest, _, query = after.partition("?")
        options = parse_qsl(query, keep_blank_values=True)
        if len({name for name, _ in options}) < len(options):
            raise BadAddress(
                f"The device address '{_shown(text)}' gives an option twice.",
                "Give each option once.",
            )
        return cls(scheme.lower(), rest, dict(options), text.strip())

    def __str__(self) -> str:
        return _shown(self.text)

    def known(self, *names: str) -> Mapping[str, str]:
        """Returns the options. Raises BadAddress when there is any other than `names`."""
        for name in self.options:
            if name not in names:
                raise self.wrong(f"has no option '{name}'", f"It takes: {', '.join(names)}.")
        return self.options

    def without(self, *names: str) -> "Address":
        """Returns this address without some options. The rest of its text stays as written."""
        before, mark, query = self.text.partition("?")
        kept = [each for each in query.split("&") if each.partition("=")[0] not in names]
        options = {name: value for name, value in self.options.items() if name not in names}
        text = before + mark + "&".join(kept) if kept else before
        return replace(self, options=options, text=text)

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """Returns the value of an option. Raises BadAddress unless it is `least` to `most`."""
        written = self.options.get(name)
        if written is None:
            return default
        try:
            value = float(written)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise self.wrong(
                f"cannot have {name}={written}", f"Use a number from {least:g} to {most:g}."
            )
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Returns the value of an option that is 1 or 0. Raises BadAddress."""
        return bool(self.number(name, float(default), least=0, most=1))

    def size(self, name: str, default: tuple[int, int]) -> tuple[int, int]:
        """Returns (height, width) of an option that is written WIDTHxHEIGHT. Raises BadAddress."""
        written = self.options.get(name)
        if written is None:
            return default
        width, _, height = written.partition("x")
        if not (width.isdecimal() and height.isdecimal()):
            raise self.wrong(f"cannot have {name}={written}", f"Write {name}=1280x720.")
        return int(height), int(width)

    def wrong(self, what: str, remedy: str) -> BadAddress:
        """Returns the error that says what is wrong with this address."""
        return BadAddress(f"The device address '{self}' {what}.", remedy)


def _shown(text: str) -> str:
    """Returns what of an address may be shown: all of a local one, scheme and host of one on a
    network. Cameras take passwords before the host, in the path and in the query, and passwords
    may hold any character; where the host cannot be told from a password, it is left out too."""
    scheme, colon, rest = text.partition(":")
    if scheme.lower() in _LOCAL and not rest.startswith("//"):
        return text
    if not (rest.startswith("//") or "@" in text or scheme.lower() in _NETWORK):
        # A scheme that is missing or misspelt: it may be meant for the network.
        shown = re.split(r"[?#&;=]", text)[0]
        return shown if shown == text else shown + "…"
    authority, _, after = rest.removeprefix("//").partition("/")
    host = re.split(r"[?#&;]", authority.rpartition("@")[2])[0]
    if "@" in after or not (_HOST.fullmatch(host) and _ends_user(authority)):
        return f"{scheme}{colon}//…"
    return f"{scheme}{colon}//{host}"


_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[\w.-]+)(:\d+)?")


def _ends_user(authority: str) -> bool:
    """Returns whether the last @ surely stands between user and host: nothing before it may be a
    host of its own, with a query or a fragment that has the @ in it."""
    before = re.split(r"[?#&;]", authority.rpartition("@")[0])
    return len(before) == 1 or not _HOST.fullmatch(before[0])
