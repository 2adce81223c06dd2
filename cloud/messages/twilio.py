"""Text messages through Twilio's Programmable Messaging REST API, version 2010-04-01."""

import httpx

from cloud.messages import NotSent
from cloud.settings import Messages

TIMEOUT_S = 10.0


class TwilioMessenger:
    def __init__(self, settings: Messages, url: str = "https://api.twilio.com") -> None:
        self._settings = settings
        # Made once: reading the authorities takes so long that strangers could tell, by the time of
        # their next request, whether a message was sent to a number that they have named.
        self._trusted = httpx.create_ssl_context()
        self._url = f"{url}/2010-04-01/Accounts/{settings.twilio_account}/Messages.json"

    async def send(self, phone: str, text: str) -> None:
        account = self._settings.twilio_account
        token = self._settings.twilio_token.get_secret_value()
        form = {"To": phone, "From": self._settings.twilio_from, "Body": text}
        try:
            async with httpx.AsyncClient(
                auth=(account, token), timeout=TIMEOUT_S, verify=self._trusted
            ) as client:
                response = await client.post(self._url, data=form)
        except httpx.HTTPError as error:
            raise NotSent(f"Twilio: {type(error).__name__}") from None
        if not response.is_success:
            # Twilio's explanation quotes the number.
            raise NotSent(f"Twilio answered {response.status_code}")
