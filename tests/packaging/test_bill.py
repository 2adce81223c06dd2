"""The bill of materials names what is in the program, and from whom it is."""

import hashlib
import json
import re
import runpy
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
BILL = runpy.run_path(str(PACKAGING / "bill.py"))
bill_of_materials: Callable[..., dict[str, Any]] = BILL["bill_of_materials"]
LOCK = PACKAGING / "requirements.lock"


def bill(folder: Path, *collected: tuple[str, str]) -> dict[str, Any]:
    needs = {"palm-kiosk": ["xinit", "libglib2.0-0 | libglib2.0-0t64"]}
    own = folder / "own"
    return bill_of_materials(
        list(collected), folder / "program", LOCK, own=own, version="1.2.3", depends=needs
    )


def named(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in told["components"]}


def test_a_package_of_python_is_listed_with_its_licence_its_hashes_and_its_libraries(
    tmp_path: Path,
):
    cbor2 = metadata.distribution("cbor2")
    source = next(f for f in cbor2.files or () if f.suffix == ".py")
    library = tmp_path / "program" / "_internal" / "cbor2" / "made.so"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"a library")
    where = str(cbor2.locate_file(source))
    told = bill(tmp_path, ("cbor2", where), ("cbor2/made.so", where))
    assert told["metadata"]["component"]["version"] == "1.2.3"
    (listed,) = (each for each in told["components"] if each["purl"].startswith("pkg:pypi/"))
    assert listed["purl"] == f"pkg:pypi/cbor2@{cbor2.version}"
    assert listed["licenses"] == [{"license": {"name": "MIT"}}]
    allowed = {each["content"] for each in listed["externalReferences"][0]["hashes"]}
    assert allowed
    assert all(f"--hash=sha256:{each}" in LOCK.read_text() for each in allowed)
    (inside,) = listed["components"]
    assert inside["name"] == "cbor2/made.so"
    assert inside["hashes"][0]["content"] == hashlib.sha256(b"a library").hexdigest()


def test_what_asks_for_keys_and_sends_measurements_is_listed_with_a_licence(tmp_path: Path):
    extras = tomllib.loads((PACKAGING.parent / "pyproject.toml").read_text())["project"]
    shipped = extras["optional-dependencies"]
    names = [
        *(
            re.split("[>=<]", each)[0]
            for kind in ("hsm", "kms", "telemetry")
            for each in shipped[kind]
        ),
        *("asn1crypto", "jmespath", "opentelemetry-proto", "protobuf", "requests"),
    ]
    collected = [(name, first_module_of(name)) for name in names]
    told = named(bill(tmp_path, *collected))
    for name in names:
        assert told[name]["licenses"][0]["license"]["name"], name
        assert told[name]["externalReferences"][0]["hashes"], name


def first_module_of(name: str) -> str:
    package = metadata.distribution(name)
    source = next(f for f in package.files or () if f.suffix == ".py")
    return str(package.locate_file(source))


def test_what_the_system_has_to_have_is_listed_with_who_needs_it(tmp_path: Path):
    told = named(bill(tmp_path))
    assert set(told) == {"xinit", "libglib2.0-0"}
    assert told["xinit"]["properties"][0]["value"] == "palm-kiosk"


@pytest.mark.process
def test_what_is_ours_is_not_listed_and_what_is_nobodys_is_refused(tmp_path: Path):
    ours = ("kiosk.app", str(tmp_path / "own" / "kiosk" / "app.py"))
    assert "kiosk.app" not in json.dumps(bill(tmp_path, ours, ("opentelemetry", "-")))
    with pytest.raises(SystemExit, match=r"stray\.py"):
        bill(tmp_path, ("stray", str(tmp_path / "stray.py")))
