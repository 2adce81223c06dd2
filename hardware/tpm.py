"""A TPM 2.0, which keeps a secret for this machine as long as it starts in the same way.

device:/dev/tpmrm0               the machine's own TPM
device:/dev/tpmrm0?pcrs=7,14     with other registers than 7
swtpm:path=/run/tpm.sock         a software TPM, for tests
none:

The work is done by Debian's `tpm2-tools`. Each of them opens the TPM anew, and the kernel's
resource manager lends no session to two processes, so what the TPM answers is not encrypted on its
way to the processor: whoever can listen on the wires between them can read the secret there.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hardware.address import Address
from hardware.faults import PermanentFault
from protocol.encoding import from_base64, to_base64

DEVICE = Path("/dev/tpmrm0")
PCRS = "7"
"""The register into which firmware writes the state of Secure Boot, its keys, and which of them
has signed what was started (TCG PC Client Platform Firmware Profile 1.05, section 3.3.4). Those
for the firmware, the kernel and its command line (0 to 6, 8, 9) change with every update."""
LAST_PCR = 23
ANSWERS_WITHIN_S = 30.0
"""A TPM makes a key in a second or two, and answers everybody in turn."""

_POLICY_FAILED = "0x99D"
_NOT_ITS_OWN = "0x1DF"
"""TPM_RC_POLICY_FAIL of the first session, and TPM_RC_INTEGRITY of the first parameter (TPM 2.0
Library, part 2, section 6.6), as the tools print them."""


class OtherBootState(PermanentFault):
    """The registers are not as they were when the secret was sealed."""


class OtherTpm(PermanentFault):
    """The secret was sealed by another TPM, or by this one before it was cleared."""


class Damaged(PermanentFault):
    """What is to be unsealed is not what `Tpm.seal` has returned."""


@dataclass(frozen=True, slots=True)
class _Blob:
    public: bytes
    private: bytes
    pcrs: str
    """The registers; empty for any boot state."""

    def written(self) -> bytes:
        return json.dumps(
            {
                "public": to_base64(self.public),
                "private": to_base64(self.private),
                "pcrs": self.pcrs,
            }
        ).encode()

    @classmethod
    def read(cls, written: bytes) -> "_Blob":
        """Raises Damaged."""
        try:
            held = json.loads(written)
            public, private = (from_base64(held[name]) for name in ("public", "private"))
            return cls(public, private, held["pcrs"] and _registers(held["pcrs"]))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Damaged(
                "What the TPM has sealed is damaged.",
                "Restore the file from a backup.",
            ) from None


class Tpm:
    def __init__(self, address: Address) -> None:
        """Raises BadAddress."""
        pcrs = address.known("pcrs").get("pcrs", PCRS)
        if not address.rest:
            raise address.wrong("names no TPM", f"Write device:{DEVICE}.")
        try:
            self.pcrs = _registers(pcrs)
        except ValueError:
            raise address.wrong(
                f"cannot have pcrs={pcrs}", f"Write numbers from 0 to {LAST_PCR}: pcrs=7,14."
            ) from None
        self.name = address.rest
        self._tcti = f"{address.scheme}:{address.rest}"

    def seal(self, secret: bytes, *, any_boot_state: bool = False) -> bytes:
        """Returns what this TPM alone turns into the secret again, as long as its registers are as
        they are now, or in any boot state. `secret` has up to 128 bytes. Raises PermanentFault."""
        pcrs = "" if any_boot_state else self.pcrs
        with self._primary() as folder:
            bound = ["-a", "fixedtpm|fixedparent|userwithauth|noda"]
            if pcrs:
                policy = str(folder / "policy")
                self._run("createpolicy", "--policy-pcr", "-l", f"sha256:{pcrs}", "-L", policy)
                bound = ["-a", "fixedtpm|fixedparent|noda", "-L", policy]
            public, private = folder / "public", folder / "private"
            files = ["-u", str(public), "-r", str(private)]
            primary = str(folder / "primary")
            self._run("create", "-C", primary, *files, *bound, "-i", "-", given=secret)
            return _Blob(public.read_bytes(), private.read_bytes(), pcrs).written()

    def unseal(self, sealed: bytes) -> bytes:
        """Returns the secret. Raises OtherBootState, OtherTpm and Damaged, and PermanentFault when
        the TPM cannot be used."""
        blob = _Blob.read(sealed)
        with self._primary() as folder:
            public, private, loaded = (folder / name for name in ("public", "private", "loaded"))
            public.write_bytes(blob.public)
            private.write_bytes(blob.private)
            files = ["-u", str(public), "-r", str(private), "-c", str(loaded)]
            self._run("load", "-C", str(folder / "primary"), *files)
            policy = ["-p", f"pcr:sha256:{blob.pcrs}"] if blob.pcrs else []
            return self._run("unseal", "-c", str(loaded), *policy)

    def is_bound(self, sealed: bytes) -> bool:
        """Returns whether something was sealed to the registers that the settings name. Raises
        Damaged."""
        return _Blob.read(sealed).pcrs == self.pcrs

    @contextmanager
    def _primary(self) -> Generator[Path]:
        """Has the TPM derive the key under which it seals, which is always the same one until the
        TPM is cleared, and lends a folder with it in the file `primary`. Raises PermanentFault."""
        with TemporaryDirectory(prefix="tpm-") as folder:
            primary = str(Path(folder) / "primary")
            self._run("createprimary", "-C", "o", "-G", "ecc", "-g", "sha256", "-c", primary)
            yield Path(folder)

    def _run(self, tool: str, *arguments: str, given: bytes = b"") -> bytes:
        """Raises PermanentFault. A secret goes through the pipes alone."""
        try:
            ended = self._tool(tool, "-Q", *arguments, given=given)
            if "tpmrm" not in self._tcti:
                # Nobody else clears up what a process leaves behind in a TPM: its keys, and the
                # session of one that was refused.
                self._tool("flushcontext", "-t")
                if ended.returncode != 0:
                    self._tool("flushcontext", "-l")
        except FileNotFoundError:
            raise PermanentFault(
                "The programs for the TPM are not installed.", "Install Debian's tpm2-tools."
            ) from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._unusable(type(error).__name__) from None
        if ended.returncode == 0:
            return ended.stdout
        said = ended.stderr.decode(errors="replace")
        if _POLICY_FAILED in said:
            raise OtherBootState(
                "The machine was started in another state than before: its TPM's registers "
                f"{self.pcrs} differ.",
                "If Secure Boot or its keys were changed, change them back.",
            )
        if _NOT_ITS_OWN in said:
            raise OtherTpm(
                f"The TPM {self.name} is another one, or it was cleared.",
                "Put the disk back into its own machine.",
            )
        lines = [line.partition("ERROR: ")[2] for line in said.splitlines() if "ERROR: " in line]
        raise self._unusable(lines[0] if lines else f"exit status {ended.returncode}")

    def _tool(
        self, tool: str, *arguments: str, given: bytes = b""
    ) -> "subprocess.CompletedProcess[bytes]":
        """Raises OSError and TimeoutExpired."""
        return subprocess.run(  # noqa: S603 - programs of the system
            [f"tpm2_{tool}", "-T", self._tcti, *arguments],
            input=given,
            capture_output=True,
            timeout=ANSWERS_WITHIN_S,
            # Nothing of ours: it has libraries of its own, and no need to know anything.
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            check=False,
        )

    def _unusable(self, why: str) -> PermanentFault:
        return PermanentFault(
            f"The TPM {self.name} cannot be used ({why}).",
            "Switch it on in the firmware, and see that the kiosk's user may open the device.",
        )


def tpm_at(text: str | None) -> Tpm | None:
    """Returns the TPM that an address names, the machine's own without one if it can be used, None
    for `none:`. Raises BadAddress."""
    if text is None:
        usable = os.access(DEVICE, os.R_OK | os.W_OK) and shutil.which("tpm2_unseal") is not None
        return Tpm(Address.parse(f"device:{DEVICE}")) if usable else None
    address = Address.parse(text)
    match address.scheme:
        case "none":
            address.known()
            return None
        case "device" | "swtpm":
            return Tpm(address)
        case scheme:
            raise address.wrong(
                f"names no TPM: there is no '{scheme}:'", f"Use device:{DEVICE} or none:."
            )


def _registers(pcrs: str) -> str:
    """Returns a list of registers in its one form. Raises ValueError."""
    numbers = sorted({int(each) for each in pcrs.split(",")})
    if any(not 0 <= each <= LAST_PCR for each in numbers):
        raise ValueError("no register has that number")
    return ",".join(map(str, numbers))
