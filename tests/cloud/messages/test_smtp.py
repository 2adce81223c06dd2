"""Mails, handed to a mail server on loopback."""

import asyncio
import ssl

import pytest
from pydantic import ValidationError

from cloud.messages import Mail, NoMailer, NotSent
from cloud.messages.smtp import SmtpMailer
from cloud.settings import MailServer as Settings
from cloud.settings import is_mail_address
from tests.support.authority import Authority
from tests.support.mail_server import MailServer, mail_server

MAIL = Mail("alex@example.com", "Your palm has paid", "Café Łąka: your palm paid 12.50 USD.\nBye.")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make()


@pytest.fixture(scope="module")
def tls(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return authority.server(tmp_path_factory.mktemp("mail"))


def mailer(server: MailServer, authority: Authority, **user: str) -> SmtpMailer:
    given = {
        "provider": "smtp",
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_tls": "at_once" if server.at_once else "starttls",
        "smtp_from": "palms@example.com",
        **user,
    }
    trusted = ssl.create_default_context(cadata=authority.pem().decode())
    return SmtpMailer(Settings.model_validate(given), "Café Łąka", trusted)


def refusal(server: MailServer, authority: Authority, **user: str) -> str:
    """Returns why a mail is not sent, and checks that it quotes nothing."""
    with pytest.raises(NotSent) as caught:
        asyncio.run(mailer(server, authority, **user).send_mail(MAIL))
    assert server.mails == []
    assert not any(word in str(caught.value) for word in ("alex", "12.50", "hush", "palms@"))
    return str(caught.value)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_mail_arrives_as_it_was_written(authority: Authority, tls: ssl.SSLContext, at_once: bool):
    with mail_server(tls, at_once=at_once) as server:
        asyncio.run(mailer(server, authority).send_mail(MAIL))
    (mail,) = server.mails
    assert server.receivers == ["alex@example.com"]
    assert mail["from"] == "Café Łąka <palms@example.com>"
    assert (mail["to"], mail["subject"]) == ("alex@example.com", MAIL.subject)
    assert mail.get_content().splitlines() == MAIL.text.splitlines()
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["message-id"].endswith("@example.com>")
    assert mail["date"].datetime.tzinfo is not None
    assert server.in_the_clear == ([] if at_once else ["EHLO", "STARTTLS"])


def test_the_mailer_signs_in_where_the_server_asks_for_it(
    authority: Authority, tls: ssl.SSLContext
):
    known = {"smtp_user": "palms", "smtp_password": "hush"}
    with mail_server(tls) as server:
        server.user = ("palms", "hush")
        assert "535" in refusal(server, authority, **known | {"smtp_user": "other"})
        assert "530" in refusal(server, authority)
        asyncio.run(mailer(server, authority, **known).send_mail(MAIL))
    assert len(server.mails) == 1


def test_nothing_is_sent_where_tls_does_not_begin(authority: Authority, tls: ssl.SSLContext):
    with mail_server(at_once=False) as server:
        assert "does not offer what is needed: TLS" in refusal(server, authority)
        assert "MAIL" not in server.in_the_clear
    with mail_server(tls, at_once=False) as server:
        server.answers["STARTTLS"] = "454 not now"
        assert "454" in refusal(server, authority)
        assert "MAIL" not in server.in_the_clear


@pytest.mark.parametrize("at_once", [True, False])
def test_nothing_is_sent_to_a_server_whose_certificate_is_of_another_authority(
    tls: ssl.SSLContext, at_once: bool
):
    with mail_server(tls, at_once=at_once) as server:
        assert "certificate cannot be accepted" in refusal(server, Authority.make("other"))
        assert "MAIL" not in server.in_the_clear


@pytest.mark.parametrize(
    ("command", "answer", "told"),
    [
        ("RCPT", "550 alex@example.com is no mailbox of ours", "address, and answers 550"),
        ("MAIL", "451 alex, come back later", "answers 451"),
        ("DATA", "554 no palms@example.com here", "answers 554"),
    ],
)
def test_what_a_server_refuses_is_told_without_its_words(
    authority: Authority, tls: ssl.SSLContext, command: str, answer: str, told: str
):
    with mail_server(tls) as server:
        server.answers[command] = answer
        assert told in refusal(server, authority)


def test_a_mail_that_was_taken_is_sent_whatever_the_server_says_to_a_farewell(
    authority: Authority, tls: ssl.SSLContext
):
    with mail_server(tls) as server:
        server.answers["QUIT"] = "421 too many connections"
        asyncio.run(mailer(server, authority).send_mail(MAIL))
    assert len(server.mails) == 1


def test_a_server_that_is_away_is_said_to_be(authority: Authority, tls: ssl.SSLContext):
    with mail_server(tls) as server:
        pass
    assert "ConnectionRefusedError" in refusal(server, authority)


def test_without_a_server_no_mail_is_sent():
    with pytest.raises(NotSent, match=r"settings\.toml"):
        asyncio.run(NoMailer().send_mail(MAIL))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"smtp_host": ""}, "smtp_host"),
        ({"smtp_from": "Corner Shop"}, "smtp_from"),
        ({"smtp_user": "palms"}, "belong together"),
    ],
)
def test_settings_that_are_not_complete_say_what_is_missing(changes: dict[str, str], told: str):
    given = {"provider": "smtp", "smtp_host": "mail.example.com", "smtp_from": "p@example.com"}
    assert Settings.model_validate(given).smtp_port == 465
    with pytest.raises(ValidationError, match=told):
        Settings.model_validate(given | changes)


def test_the_address_of_a_mailbox_is_known_from_anything_else():
    for address in ("alex@example.com", "a.b+c@x-1.example.co", "o'neil@example.com"):
        assert is_mail_address(address)
    for text in (
        "",
        "alex",
        "alex@",
        "@example.com",
        "alex@localhost",
        "alex@example..com",
        ".alex@example.com",
        "al..ex@example.com",
        "alex@example.com\n",
        "alex@example.com\nBcc: other@example.com",
        "alex doe@example.com",
        "<alex@example.com>",
        "alex@example.com,other@example.com",
        "a@b@example.com",
        "ałex@example.com",
        f"{'a' * 65}@example.com",
        f"a@{'b.' * 126}com",
    ):
        assert not is_mail_address(text), text
