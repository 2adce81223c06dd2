"""`aws-kms:ARN`: a key of AWS's Key Management Service, by its API (Encrypt and Decrypt).

Who asks is found as every program of AWS's finds it: in the files or the environment that
`AWS_SHARED_CREDENTIALS_FILE` and its like name, or in the role of the machine. The purpose is the
encryption context, which AWS writes into its log beside who has asked. AWS keeps what its own
rotation has replaced; another key has another ARN.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import botocore.session
from botocore import exceptions as errors
from botocore.config import Config

from cloud.keys.keeper import Keeper, KeysAway, KeysUnusable, Wrapped

_ARN = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]+")
_PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})

_REMEDIES = {
    "AccessDeniedException": "may not be used by who is asking. Allow kms:Encrypt and kms:Decrypt "
    "in the key's policy.",
    "NotFoundException": "does not exist in that account and region. Correct the ARN.",
    "DisabledException": "is disabled. Enable it.",
    "KMSInvalidStateException": "is disabled or about to be deleted. Cancel that, and enable it.",
    "InvalidCiphertextException": "does not open what it has wrapped: that was altered. Restore it "
    "from the backup of the keys.",
    "IncorrectKeyException": "is not the one that has wrapped this. Restore both of one time.",
    "UnrecognizedClientException": "cannot be asked: AWS does not know the credentials. Renew them "
    "in the file that AWS_SHARED_CREDENTIALS_FILE names.",
    "ExpiredTokenException": "cannot be asked: the credentials have expired. Renew them in the "
    "file that AWS_SHARED_CREDENTIALS_FILE names.",
    "InvalidSignatureException": "cannot be asked: the signature is refused. Renew the "
    "credentials, and set this machine's clock.",
}
_PASSING = {
    "DependencyTimeoutException",
    "KMSInternalException",
    "KeyUnavailableException",
    "RequestTimeout",
    "ServiceUnavailable",
    "ThrottlingException",
}
_AWAY = (errors.ConnectionError, errors.HTTPClientError, errors.CredentialRetrievalError)


@contextmanager
def opened(rest: str) -> Generator[Keeper]:
    """Connects to the key's region when it is asked. Raises KeysUnusable, and KeysAway when AWS is
    not reached or cannot answer now."""
    arn = _ARN.fullmatch(rest)
    if arn is None:
        raise KeysUnusable(
            "what follows aws-kms: is not the ARN of a key. It is "
            "arn:aws:kms:REGION:ACCOUNT:key/ID; an alias may come to name another key."
        )
    name = f"the key {rest}"
    try:
        session = botocore.session.get_session()
        client: Any = session.create_client("kms", region_name=arn[1], config=_PATIENCE)
        yield _Kms(client, rest)
    except errors.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "")) or "no code"
        if code in _PASSING:
            raise KeysAway(
                f"{name} cannot be used at the moment: AWS answers {code}. It is tried again when "
                "this starts again."
            ) from None
        remedy = _REMEDIES.get(code, f"is refused: AWS answers {code}.")
        raise KeysUnusable(f"{name} {remedy}") from None
    except (errors.NoCredentialsError, errors.PartialCredentialsError):
        raise KeysUnusable(
            f"{name} cannot be asked: there are no credentials for AWS here. Name the file that "
            "has them in AWS_SHARED_CREDENTIALS_FILE, or give this machine a role."
        ) from None
    except _AWAY as error:
        raise KeysAway(
            f"{name} cannot be asked: AWS is not reached ({type(error).__name__}). Check the way "
            "to the network. What runs already goes on without it; what starts waits for it."
        ) from None
    except errors.BotoCoreError as error:
        raise KeysUnusable(
            f"{name} cannot be asked ({type(error).__name__}). Check the environment variables "
            "and files that set up AWS."
        ) from None


class _Kms:
    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def wrap(self, secret: bytes, purpose: str) -> Wrapped:
        answer = self._client.encrypt(
            KeyId=self._arn, Plaintext=secret, EncryptionContext=_context(purpose)
        )
        return Wrapped(str(answer["KeyId"]), answer["CiphertextBlob"])

    def unwrap(self, wrapped: Wrapped, purpose: str) -> bytes:
        answer = self._client.decrypt(
            KeyId=wrapped.key_id,
            CiphertextBlob=wrapped.wrapped,
            EncryptionContext=_context(purpose),
        )
        return answer["Plaintext"]

    def is_newest(self, key_id: str) -> bool:
        return key_id == self._arn


def _context(purpose: str) -> dict[str, str]:
    return {"palm-kiosk": purpose}
