"""Signs what kiosks update to: `./run release VERB` (docs/updates.md).

The repository is a folder of files that any web server delivers, as The Update Framework describes
it. Its four keys lie in a folder that is named with --keys: `offline/` has those of the roles root
and targets, `online/` those of snapshot and timestamp, which sign every day that nothing is old.
"""

# tuf's manual imports from modules that say of nothing that they export it.
# pyright: reportPrivateImportUsage=false

import argparse
import json
import platform
import sys
import tarfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from getpass import getpass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import TypeAdapter
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from protocol import VERSION  # noqa: E402 - found only now
from protocol.files import write_private  # noqa: E402
from protocol.rollout import FILE, RINGS, Build, Rollout, Version, bill_of, target_of  # noqa: E402
from protocol.storage import cause_and_remedy  # noqa: E402

OFFLINE, ONLINE = ("root", "targets"), ("snapshot", "timestamp")
ROLES = (*OFFLINE, *ONLINE)
VALID = {
    "root": timedelta(days=365),
    "targets": timedelta(days=365),
    "snapshot": timedelta(days=7),
    "timestamp": timedelta(days=3),
}
"""How long what a role has signed is believed. Kiosks that are shown older files notice it after
that time at the latest."""
SOON = timedelta(days=60)
"""How long before its end an operator is reminded to renew what the offline keys have signed."""
BILL = ROOT / "packaging" / "dist" / "palm-kiosk.cdx.json"
PACKAGED = ROOT / "packaging" / "requirements.lock"

Signed = Root | Targets | Snapshot | Timestamp
Secret = Callable[[], str]


class Wrong(Exception):
    """What was asked for cannot be done. The message says why, and what to do."""


class Keys:
    """The folder of the keys. A key has the file ROLE-ID.pem, and one that was replaced stays until
    somebody destroys it."""

    def __init__(self, folder: Path, passphrase: Secret) -> None:
        self._folder = folder
        self._passphrase = passphrase
        self._known: str | None = None

    def make(self, role: str) -> CryptoSigner:
        """Returns a new key. Raises OSError."""
        signer = CryptoSigner(key := Ed25519PrivateKey.generate())
        phrase = self._secret() if role in OFFLINE else ""
        cipher = BestAvailableEncryption(phrase.encode()) if phrase else NoEncryption()
        path = self._path(role, signer.public_key.keyid)
        # It is on the medium, which may be pulled out soon, before anything names it.
        write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, cipher))
        return signer

    def has(self, role: str, root: Root) -> bool:
        return any(self._path(role, key_id).exists() for key_id in root.roles[role].keyids)

    def signer(self, role: str, root: Root) -> CryptoSigner:
        """Returns the key that a role has by now. Raises Wrong and OSError."""
        for key_id in root.roles[role].keyids:
            path = self._path(role, key_id)
            if path.exists():
                content = path.read_bytes()
                phrase = self._secret().encode() if b"ENCRYPTED" in content else None
                try:
                    key = load_pem_private_key(content, phrase)
                except (ValueError, TypeError):
                    raise Wrong(f"The passphrase does not open {path}.") from None
                assert isinstance(key, Ed25519PrivateKey)
                return CryptoSigner(key)
        raise Wrong(
            f"The key of {role} is not in {self._folder}: bring it here, or replace it with "
            "`release rotate`."
        )

    def _path(self, role: str, key_id: str) -> Path:
        kind = "offline" if role in OFFLINE else "online"
        return self._folder / kind / f"{role}-{key_id[:12]}.pem"

    def _secret(self) -> str:
        if self._known is None:
            self._known = self._passphrase()
        return self._known


class Repository:
    def __init__(self, folder: Path, keys: Keys) -> None:
        self._metadata, self._targets = folder / "metadata", folder / "targets"
        self._keys = keys

    def make(self) -> None:
        """Makes all keys and an empty repository. Raises Wrong and OSError."""
        if self._metadata.exists():
            raise Wrong(f"{self._metadata.parent} is a repository already.")
        # Where they cannot be made, no repository is begun either.
        signers = {role: self._keys.make(role) for role in ROLES}
        for folder in (self._metadata, self._targets):
            folder.mkdir(parents=True)
        root = Root(consistent_snapshot=True)
        for role, signer in signers.items():
            root.add_key(signer.public_key, role)
        self._publish("root", root, [signers["root"]])
        targets = Targets()
        self._put(targets, FILE, Rollout().model_dump_json().encode())
        self._publish("targets", targets, [signers["targets"]])
        self.refresh()

    def rollout(self) -> Rollout:
        """Returns what kiosks are told. Raises Wrong."""
        return self._rollout(self._newest("targets"))

    def add(self, program: Path, version: str, ring: int, bill: Path) -> None:
        """Adds a version from the folder of the program. Raises Wrong and OSError."""
        targets, signer = self._opened()
        rollout = self._rollout(targets)
        if version in rollout.builds:
            raise Wrong(f"Version {version} is released already, and stays what it is.")
        if not (program / "palm-kiosk").is_file():
            raise Wrong(f"{program} holds no program: `./run package` builds one.")
        name = target_of(version, platform.machine())
        packed = self._targets / f"{name}.partial"
        try:
            with tarfile.open(packed, "w:xz") as archive:
                for path in sorted(program.iterdir()):
                    archive.add(path, path.name, filter=_nobodys)
            described = TargetFile.from_file(name, str(packed), ["sha256"])
            packed.replace(self._targets / f"{described.hashes['sha256']}.{name}")
        finally:
            packed.unlink(missing_ok=True)
        targets.targets[name] = described
        self._put(targets, bill_of(version), bill.read_bytes())
        size = sum(path.lstat().st_size for path in program.rglob("*") if path.is_file())
        build = Build(ring=ring, unpacked=size)
        builds = rollout.builds | {version: build}
        self._roll_out(targets, signer, rollout.model_copy(update={"builds": builds}))

    def give(self, version: str, ring: int) -> None:
        """Gives a version to that many percent of the kiosks. Raises Wrong and OSError."""
        targets, signer = self._opened()
        rollout = self._rollout(targets)
        build = self._build(rollout, version).model_copy(update={"ring": ring})
        builds = rollout.builds | {version: build}
        self._roll_out(targets, signer, rollout.model_copy(update={"builds": builds}))

    def pause(self, *, paused: bool) -> None:
        """Has all kiosks stay at what they have, or go on. Raises Wrong and OSError."""
        targets, signer = self._opened()
        self._roll_out(
            targets, signer, self._rollout(targets).model_copy(update={"paused": paused})
        )

    def pin(self, version: str | None) -> None:
        """Has all kiosks take one version, or again the newest. Raises Wrong and OSError."""
        targets, signer = self._opened()
        rollout = self._rollout(targets)
        if version is not None:
            self._build(rollout, version)
        self._roll_out(targets, signer, rollout.model_copy(update={"pinned": version}))

    def refresh(self) -> None:
        """Signs, with the online keys, what is offered now. Raises Wrong and OSError."""
        root = self._newest("root")
        snapshot = Snapshot(meta={"targets.json": MetaFile(self._version("targets"))})
        self._publish("snapshot", snapshot, [self._keys.signer("snapshot", root)])
        timestamp = Timestamp(snapshot_meta=MetaFile(self._version("snapshot")))
        self._publish("timestamp", timestamp, [self._keys.signer("timestamp", root)])

    def renew(self) -> None:
        """Signs root and targets for another year. Raises Wrong and OSError."""
        root = self._newest("root")
        self._publish("root", root, [self._keys.signer("root", root)])
        self._sign_targets(*self._opened())

    def rotate(self, role: str) -> None:
        """Replaces the key of a role, and signs anew what the role has signed. A new root is signed
        by the old key as well, so that kiosks follow. Raises Wrong and OSError."""
        root = self._newest("root")
        signers = [self._keys.signer("root", root)]
        new = self._keys.make(role)
        for key_id in list(root.roles[role].keyids):
            root.revoke_key(key_id, role)
        root.add_key(new.public_key, role)
        if role == "root":
            signers.append(new)
        self._publish("root", root, signers)
        if role == "targets":
            self._sign_targets(*self._opened())
        elif role in ONLINE:
            self.refresh()

    def ends(self) -> dict[str, datetime]:
        """Returns until when what each role has signed is believed. Raises Wrong."""
        return {role: self._newest(role).expires for role in ROLES}

    @property
    def root(self) -> Path:
        """The file that a kiosk is given."""
        return self._metadata / f"{self._version('root')}.root.json"

    def _build(self, rollout: Rollout, version: str) -> Build:
        if version not in rollout.builds:
            known = ", ".join(rollout.builds) or "none yet"
            raise Wrong(f"Version {version} was never released; released are: {known}.")
        return rollout.builds[version]

    def _opened(self) -> tuple[Targets, CryptoSigner]:
        """Returns what is signed by targets, and its key: asked for before anything is written.
        Raises Wrong and OSError."""
        return self._newest("targets"), self._keys.signer("targets", self._newest("root"))

    def _roll_out(self, targets: Targets, signer: CryptoSigner, rollout: Rollout) -> None:
        self._put(targets, FILE, rollout.model_dump_json().encode())
        self._sign_targets(targets, signer)

    def _sign_targets(self, targets: Targets, signer: CryptoSigner) -> None:
        self._publish("targets", targets, [signer])
        root = self._newest("root")
        if all(self._keys.has(role, root) for role in ONLINE):
            self.refresh()

    def _rollout(self, targets: Targets) -> Rollout:
        path = self._targets / f"{targets.targets[FILE].hashes['sha256']}.{FILE}"
        return Rollout.model_validate_json(path.read_bytes())

    def _put(self, targets: Targets, name: str, content: bytes) -> None:
        described = TargetFile.from_data(name, content, ["sha256"])
        _write(self._targets / f"{described.hashes['sha256']}.{name}", content)
        targets.targets[name] = described

    def _version(self, role: str) -> int:
        """Returns the number of the newest file of a role, 0 where there is none."""
        if role == "timestamp":
            # The only one that is replaced: kiosks ask for it by its bare name.
            with suppress(FileNotFoundError):
                signed = json.loads((self._metadata / "timestamp.json").read_bytes())["signed"]
                return int(signed["version"])
            return 0
        numbers = (p.name.partition(".")[0] for p in self._metadata.glob(f"*.{role}.json"))
        return max(map(int, numbers), default=0)

    def _newest(self, role: str) -> Any:
        """Returns what a role has signed last. Raises Wrong."""
        version = self._version(role)
        name = "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"
        if version == 0:
            raise Wrong(f"{self._metadata.parent} is no repository: `release new` makes one.")
        return Metadata[Any].from_file(str(self._metadata / name)).signed

    def _publish(self, role: str, signed: Signed, signers: Sequence[CryptoSigner]) -> None:
        """Writes the next file of a role."""
        signed.version = self._version(role) + 1
        signed.expires = datetime.now(UTC).replace(microsecond=0) + VALID[role]
        metadata = Metadata[Any](signed)
        for signer in signers:
            metadata.sign(signer, append=True)
        name = "timestamp.json" if role == "timestamp" else f"{signed.version}.{role}.json"
        _write(self._metadata / name, metadata.to_bytes())


def _write(path: Path, content: bytes) -> None:
    """Replaces a file as a whole, since a web server may deliver it at the same time."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leaves out who built it and when: the same program makes the same file."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def check_bill(path: Path, version: str) -> None:
    """Raises Wrong unless a bill of materials is there, and of this version."""
    try:
        described = json.loads(path.read_bytes())
        named = described["metadata"]["component"]["version"]
    except (OSError, ValueError, KeyError):
        raise Wrong(f"{path} is no bill of materials: `./run package` writes it.") from None
    if named != version:
        raise Wrong(f"{path} is of version {named}, not of {version}: `./run package` anew.")


def ask_passphrase(*, new: bool) -> str:
    """Returns the passphrase of the offline keys, from the terminal or the first line of a pipe.
    Raises Wrong when it was typed differently twice."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    phrase = getpass("Passphrase of the offline keys: ")
    if new and getpass("Once more: ") != phrase:
        raise Wrong("These are not the same. Nothing was made.")
    return phrase


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)
    new = asked.verb == "new"
    keys = Keys(asked.keys, lambda: ask_passphrase(new=new))
    repository = Repository(asked.repository, keys)
    try:
        _do(repository, asked)
        _tell(repository)
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except OSError as error:
        print(*cause_and_remedy(error), file=sys.stderr)
        return 2
    return 0


def _do(repository: Repository, asked: argparse.Namespace) -> None:
    match asked.verb:
        case "new":
            repository.make()
            print(
                f"The keys of root and targets lie in {asked.keys / 'offline'}. Move them to a "
                "medium that lies in a safe, and keep a copy elsewhere; with an empty passphrase "
                "they are not encrypted.\n"
                f"Those in {asked.keys / 'online'} belong onto the machine that runs `release "
                "refresh` every day; they are not encrypted.\n"
                f"Every kiosk is given {repository.root} as /etc/palm-kiosk/root.json."
            )
        case "add":
            check_bill(asked.sbom, asked.version)
            repository.add(asked.program, asked.version, asked.ring, asked.sbom)
        case "ring":
            repository.give(asked.version, asked.percent)
        case "pause" | "resume":
            repository.pause(paused=asked.verb == "pause")
        case "pin":
            repository.pin(asked.version)
        case "unpin":
            repository.pin(None)
        case "refresh":
            repository.refresh()
        case "renew":
            repository.renew()
        case "rotate":
            repository.rotate(asked.role)
        case _:
            pass


def _tell(repository: Repository) -> None:
    rollout = repository.rollout()
    for version, build in rollout.builds.items():
        print(f"version {version}: {build.ring} % of the kiosks")
    if rollout.paused:
        print("paused: kiosks stay at what they have")
    if rollout.pinned is not None:
        print(f"pinned: all kiosks take {rollout.pinned}")
    for role, end in repository.ends().items():
        print(f"{role} is signed until {end:%Y-%m-%d}")
        if role in OFFLINE and end - datetime.now(UTC) < SOON:
            print(f"Run `release renew` before, or kiosks believe {role} no longer.")


def _version(text: str) -> str:
    return TypeAdapter(Version).validate_python(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run release", description=__doc__)
    parser.add_argument("--repository", type=Path, required=True, help="folder that is delivered")
    parser.add_argument("--keys", type=Path, required=True, help="folder of the keys")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("new", help="make the keys and an empty repository")
    add = verbs.add_parser("add", help="release a version")
    default = ROOT / "packaging" / "dist" / "palm-kiosk"
    add.add_argument("program", type=Path, nargs="?", default=default, help="its folder")
    add.add_argument("--version", type=_version, default=VERSION)
    add.add_argument("--ring", type=int, choices=RINGS, default=RINGS[0], help="percent of kiosks")
    add.add_argument("--sbom", type=Path, default=BILL, help="what it is made of")
    ring = verbs.add_parser("ring", help="give a version to more kiosks, or to fewer")
    ring.add_argument("version")
    ring.add_argument("percent", type=int, choices=RINGS)
    verbs.add_parser("pause", help="have kiosks stay at what they have")
    verbs.add_parser("resume", help="end that")
    pin = verbs.add_parser("pin", help="have all kiosks take one version, also an older one")
    pin.add_argument("version")
    verbs.add_parser("unpin", help="end that")
    verbs.add_parser("refresh", help="sign with the online keys that nothing is old: every day")
    verbs.add_parser("renew", help="sign root and targets for another year")
    rotate = verbs.add_parser("rotate", help="replace a key")
    rotate.add_argument("role", choices=ROLES)
    verbs.add_parser("show", help="tell what is released")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
