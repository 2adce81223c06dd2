"""Mails through a mail server (SMTP, RFC 5321), over TLS and never without it (RFC 8314)."""

import asyncio
import smtplib
import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, make_msgid

from cloud.messages import Mail, NotSent
from cloud.settings import MailServer

TIMEOUT_S = 10.0
"""How long the server may take for one answer."""


class SmtpMailer:
    def __init__(
        self, settings: MailServer, name: str, trusted: ssl.SSLContext | None = None
    ) -> None:
        """`name` is from whom mails are, beside the address. Without `trusted`, those authorities
        are that the system trusts."""
        self._settings = settings
        self._from = Address(name, addr_spec=settings.smtp_from)
        self._trusted = trusted or ssl.create_default_context()

    async def send_mail(self, mail: Mail) -> None:
        await asyncio.to_thread(self._send, mail)

    def _send(self, mail: Mail) -> None:
        message = EmailMessage()
        message["From"] = self._from
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = localtime()
        message["Message-ID"] = make_msgid(domain=self._from.domain)
        # Nobody's absence is answered to it (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text, cte="quoted-printable")
        try:
            with self._connected() as server:
                server.send_message(message)
        except (smtplib.SMTPException, OSError) as error:
            raise NotSent(f"the mail server: {_cause(error)}") from None

    @contextmanager
    def _connected(self) -> Generator[smtplib.SMTP]:
        given = self._settings
        # A name of its own, because smtplib would ask the network for this machine's.
        hello = self._from.domain
        if given.smtp_tls == "at_once":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                given.smtp_host, given.smtp_port, hello, timeout=TIMEOUT_S, context=self._trusted
            )
        else:
            server = smtplib.SMTP(given.smtp_host, given.smtp_port, hello, timeout=TIMEOUT_S)
        try:
            if given.smtp_tls == "starttls":
                server.starttls(context=self._trusted)
            if given.smtp_user:
                server.login(given.smtp_user, given.smtp_password.get_secret_value())
            yield server
        finally:
            # Whatever it says to that: a mail that it has taken must not be sent again.
            with suppress(smtplib.SMTPException):
                server.quit()
            server.close()


def _cause(error: Exception) -> str:
    """Returns why a mail was not sent. The server's own words may quote the address."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            codes = {code for code, _ in error.recipients.values()}
            return f"it does not take the address, and answers {sorted(codes)[0]}"
        case smtplib.SMTPAuthenticationError():
            return f"it does not take smtp_user and smtp_password, and answers {error.smtp_code}"
        case smtplib.SMTPResponseException():
            return f"it answers {error.smtp_code}"
        case smtplib.SMTPNotSupportedError():
            return "it does not offer what is needed: TLS, and a way to sign in"
        case ssl.SSLCertVerificationError():
            return f"its certificate cannot be accepted: {error.verify_message}"
        case _:
            return type(error).__name__
