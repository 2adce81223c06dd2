"""Serial ports: eight bits, no parity, one stop bit, and nothing interpreted."""

import os
import termios
from contextlib import suppress

from hardware.address import Address

SPEEDS = {
    rate: getattr(termios, f"B{rate}")
    for rate in (9600, 19200, 38400, 57600, 115200, 230400, 921600)
    if hasattr(termios, f"B{rate}")
}
"""The constants of termios by the bits a second."""


PROMPT = -10
"""What is added to the niceness of a process that answers within milliseconds (setpriority(2))."""


def be_prompt() -> None:
    """Has this process run before others where it may: as root, or with RLIMIT_NICE. A line on
    which an answer counts for 200 ms is lost on a busy machine otherwise."""
    with suppress(PermissionError):
        os.nice(PROMPT)


def baud_of(address: Address, default: int) -> int:
    """Returns the option `baud` of an address. Raises BadAddress."""
    written = address.options.get("baud", str(default))
    if written not in map(str, SPEEDS):
        rates = ", ".join(map(str, SPEEDS))
        raise address.wrong(f"cannot have baud={written}", f"Use one of: {rates}.")
    return int(written)


def open_port(device: str, baud: int) -> int:
    """Returns the descriptor of a port that does not block. What came before is thrown away. Raises
    OSError."""
    port = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        set_speed(port, baud)
        termios.tcflush(port, termios.TCIOFLUSH)
    except termios.error as error:
        os.close(port)
        raise OSError(*error.args) from None
    return port


def set_speed(port: int, baud: int) -> None:
    """Makes a port raw, as cfmakeraw(3) does, once all is sent. Raises termios.error."""
    control = termios.CS8 | termios.CREAD | termios.CLOCAL
    characters = termios.tcgetattr(port)[6]
    speed = SPEEDS[baud]
    termios.tcsetattr(port, termios.TCSADRAIN, [0, 0, control, 0, speed, speed, characters])
