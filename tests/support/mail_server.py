"""A mail server on loopback, as far as clients of SMTP see one (RFC 5321)."""

import asyncio
import ssl
import threading
from base64 import b64decode
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from queue import Queue


@dataclass
class MailServer:
    """What came to it, and how it answers."""

    tls: ssl.SSLContext | None
    at_once: bool
    """Whether TLS begins with the connection; otherwise it is offered as STARTTLS, and without
    `tls` not at all."""
    answers: dict[str, str] = field(default_factory=dict[str, str])
    """Answers to commands, such as `RCPT`, in place of those that take everything."""
    user: tuple[str, str] | None = None
    """The user and the password that it asks for."""
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])
    receivers: list[str] = field(default_factory=list[str])
    in_the_clear: list[str] = field(default_factory=list[str])
    """The commands that came without TLS."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_safe, signed_in = self.at_once, self.user is None

        def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())

        say("220 here")
        while line := (await reader.readline()).decode().strip():
            verb, _, rest = line.partition(" ")
            if not is_safe:
                self.in_the_clear.append(verb.upper())
            if (answer := self.answers.get(verb.upper())) is not None:
                say(answer)
                continue
            match verb.upper():
                case "EHLO":
                    say("250-here")
                    if self.tls is not None and not is_safe:
                        say("250-STARTTLS")
                    if self.user is not None and is_safe:
                        say("250-AUTH PLAIN")
                    say("250 8BITMIME")
                case "STARTTLS":
                    say("220 go on")
                    assert self.tls is not None
                    await writer.start_tls(self.tls)
                    is_safe = True
                case "AUTH":
                    _, _, given = rest.partition(" ")
                    _, name, password = b64decode(given).decode().split("\0")
                    signed_in = (name, password) == self.user
                    say("235 welcome" if signed_in else f"535 {name} is not known here")
                case "RCPT" if signed_in:
                    self.receivers.append(rest.partition("<")[2].rstrip(">"))
                    say("250 fine")
                case "DATA" if signed_in:
                    say("354 go on")
                    text = await reader.readuntil(b"\r\n.\r\n")
                    self.mails.append(message_from_bytes(text[:-3], policy=policy.default))
                    say("250 taken")
                case "QUIT":
                    say("221 bye")
                    return
                case _:
                    say("250 fine" if signed_in else "530 sign in first")


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, *, at_once: bool = True
) -> Generator[MailServer]:
    """Runs a mail server in a thread of its own while the block lasts."""
    served = MailServer(tls, at_once)
    listens: Queue[Callable[[], object]] = Queue()

    async def serve() -> None:
        loop, is_over = asyncio.get_running_loop(), asyncio.Event()
        given = tls if at_once else None
        async with await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=given) as server:
            served.port = server.sockets[0].getsockname()[1]
            listens.put(partial(loop.call_soon_threadsafe, is_over.set))
            await is_over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    end = listens.get()
    try:
        yield served
    finally:
        end()
        thread.join()
