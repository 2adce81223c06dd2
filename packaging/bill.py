"""The bill of materials of the program, by CycloneDX 1.6 (ECMA-424): what PyInstaller has put into
it, and from whom that is. The lock of what is packaged names more: what builds it, and what is left
out.

- packages of Python, with their licences, the hashes that the lock allows for what they came in,
  and beneath them each shared library that they brought, with its own hash;
- Python itself, and packages of Debian of which files were taken from the machine that built;
- packages of Debian that are not in the program and that it needs (`Depends`).
"""

import hashlib
import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import metadata
from os.path import join, normpath, realpath
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass
class Origin:
    """Where parts of the program are from."""

    kind: str
    """`pypi`, `deb` or `generic`, as in a package URL (ECMA-427)."""
    name: str
    version: str
    licence: str
    hashes: list[str] = field(default_factory=list[str])
    libraries: dict[str, str] = field(default_factory=dict[str, str])
    """The shared libraries that it brought, with their SHA-256."""

    @property
    def url(self) -> str:
        where = "debian/" if self.kind == "deb" else ""
        return f"pkg:{self.kind}/{where}{self.name}@{self.version.replace('+', '%2B')}"

    def component(self) -> Json:
        described: Json = {
            "type": "library",
            "bom-ref": self.url,
            "name": self.name,
            "version": self.version,
            "purl": self.url,
            "scope": "required",
        }
        if self.licence:
            described["licenses"] = [{"license": {"name": self.licence}}]
        if self.hashes:
            described["externalReferences"] = [
                {
                    "type": "distribution",
                    "url": f"https://pypi.org/project/{self.name}/{self.version}/",
                    "hashes": [{"alg": "SHA-256", "content": each} for each in self.hashes],
                }
            ]
        if self.libraries:
            described["components"] = [
                {
                    "type": "file",
                    "bom-ref": f"file:{name}",
                    "name": name,
                    "hashes": [{"alg": "SHA-256", "content": digest}],
                }
                for name, digest in sorted(self.libraries.items())
            ]
        return described


def bill_of_materials(
    collected: Sequence[tuple[str, str]],
    program: Path,
    lock: Path,
    *,
    own: Path,
    version: str,
    depends: Mapping[str, Sequence[str]],
) -> Json:
    """`collected` has the name of each part in the program and the file that it was made of, `own`
    is the folder of what is ours, and `depends` what each of our packages needs of Debian."""
    hashes = hashes_of(lock.read_text("utf-8"))
    owners = owners_of_files()
    origins: dict[str, Origin] = {}
    unknown: list[str] = []
    for name, source in collected:
        if source == "-":
            # A package without a file of its own.
            continue
        path = Path(normpath(source))
        origin = owners.get(str(path)) or _of_python(path)
        if origin is None and path.is_relative_to(own):
            continue
        origin = origin or of_debian(path)
        if origin is None:
            unknown.append(f"{name} of {source}")
            continue
        origin = origins.setdefault(origin.url, replace(origin, hashes=[], libraries={}))
        if origin.kind == "pypi":
            origin.hashes = hashes.get(_normal(origin.name), [])
        shipped = program / "_internal" / name
        if ".so" in shipped.name and shipped.is_file():
            origin.libraries[name] = hashlib.sha256(shipped.read_bytes()).hexdigest()
    if unknown:
        raise SystemExit("nobody knows where these are from: " + ", ".join(unknown))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "palm-kiosk",
                "name": "palm-kiosk",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [
            *(origins[url].component() for url in sorted(origins)),
            *_provided_by_the_system(depends),
        ],
    }


@cache
def owners_of_files() -> dict[str, Origin]:
    """Returns of which package of Python each file is that is installed here."""
    found: dict[str, Origin] = {}
    for package in metadata.distributions():
        origin = Origin("pypi", package.metadata["Name"], package.version, _licence(package))
        folder = str(package.locate_file(""))
        # An environment may be a link, which PyInstaller follows for some files.
        places = {folder, realpath(folder)}
        for file in package.files or ():
            for place in places:
                found[normpath(join(place, file))] = origin
    return found


def _licence(package: metadata.Distribution) -> str:
    """Returns what a package says of its licence, in a line."""
    told = package.metadata
    said = told.get_all("License-Expression") or []
    said = said or [
        each.rpartition(" :: ")[2]
        for each in told.get_all("Classifier") or []
        if each.startswith("License :: ") and not each.endswith("OSI Approved")
    ]
    said = said or [each.strip().partition("\n")[0][:100] for each in told.get_all("License") or []]
    return ", ".join(said)


def hashes_of(lock: str) -> dict[str, list[str]]:
    """Returns the SHA-256 of all that a lock allows for each of its packages."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE):
        name, _, rest = part.partition("==")
        found[_normal(name)] = re.findall(r"--hash=sha256:([0-9a-f]{64})", rest)
    return found


def _normal(name: str) -> str:
    """As PEP 503 says."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _of_python(path: Path) -> Origin | None:
    if not path.is_relative_to(sys.base_prefix) or sys.base_prefix == "/usr":
        return None
    return Origin("generic", "cpython", platform.python_version(), "Python-2.0")


def of_debian(path: Path) -> Origin | None:
    """Returns the package of Debian that a file of this machine is of, None where there is none."""
    names = {str(path), str(path.resolve())}
    # Packages that were built before /usr was merged name their files without it.
    names |= {each.removeprefix("/usr") for each in names}
    shown = _told(["dpkg-query", "--search", *sorted(names)])
    if not shown:
        return None
    package = shown.partition(": ")[0].partition(",")[0]
    version = _told(["dpkg-query", "--show", "--showformat=${Version}", package])
    name = package.partition(":")[0]
    return Origin("deb", name, version, _debian_licences(name))


def _debian_licences(name: str) -> str:
    """Returns the licences that a package of Debian names where a machine can read them."""
    try:
        text = Path("/usr/share/doc", name, "copyright").read_text("utf-8", "replace")
    except OSError:
        return ""
    if not text.startswith("Format:"):
        return ""
    return ", ".join(sorted(set(re.findall(r"^License: *(\S.*?) *$", text, re.MULTILINE))))


def _told(command: Iterable[str]) -> str:
    return subprocess.run(list(command), check=False, capture_output=True, text=True).stdout


def _provided_by_the_system(depends: Mapping[str, Sequence[str]]) -> list[Json]:
    """Their versions are those of the machine that they are installed on."""
    needed: dict[str, list[str]] = {}
    for package, names in depends.items():
        for name in names:
            needed.setdefault(re.split(r"[ |(]", name)[0], []).append(package)
    return [
        {
            "type": "library",
            "bom-ref": f"pkg:deb/debian/{name}",
            "name": name,
            "purl": f"pkg:deb/debian/{name}",
            "scope": "required",
            "properties": [{"name": "palm-kiosk:needed-by", "value": each} for each in packages],
        }
        for name, packages in sorted(needed.items())
    ]


def read_collected(file: Path) -> list[tuple[str, str]]:
    """Returns what the spec has written down."""
    return [(name, source) for name, source in json.loads(file.read_bytes())]
