"""A token in software (SoftHSM 2), and keys in it, for tests of what asks one by PKCS #11."""

import shutil
import subprocess
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType, MechanismFlag

LABEL, OBJECT, PIN = "palms", "master", "123456"
_LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")


class SoftwareToken:
    """A token with a PIN and no key. Its library finds it by the environment."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.module = next((path for path in _LIBRARIES if Path(path).exists()), "")
        if not self.module or shutil.which("softhsm2-util") is None:
            pytest.skip("there is no softhsm2: ./run test installs it")
        tokens = folder / "tokens"
        tokens.mkdir(parents=True)
        configuration = folder / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
        monkeypatch.setenv("SOFTHSM2_CONF", str(configuration))
        words = ["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "87654321"]
        subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
        self.pin_file = folder / "pin"
        self.pin_file.write_text(f"{PIN}\n")
        self.pin_file.chmod(0o600)

    @property
    def address(self) -> str:
        return (
            f"pkcs11:token={LABEL};object={OBJECT}"
            f"?module-path={self.module}&pin-source=file:{self.pin_file}"
        )

    def make_key(self, number: int) -> None:
        """Makes an AES key with this number for its id."""
        library = pkcs11.lib(self.module)
        try:
            token = library.get_token(token_label=LABEL)
            with token.open(rw=True, user_pin=PIN) as session:
                session.generate_key(
                    KeyType.AES,
                    256,
                    label=OBJECT,
                    id=bytes([number]),
                    store=True,
                    capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
                )
        finally:
            library.finalize()

    def remove_key(self, number: int) -> None:
        library = pkcs11.lib(self.module)
        try:
            token = library.get_token(token_label=LABEL)
            with token.open(rw=True, user_pin=PIN) as session:
                for key in session.get_objects({Attribute.ID: bytes([number])}):
                    key.destroy()
        finally:
            library.finalize()
