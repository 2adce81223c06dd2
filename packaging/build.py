"""Builds the program and the Debian packages: `./run package [--out DIR]`.

Three packages are made of one program (`program.py`): `palm-program` is the program itself,
`palm-kiosk` a kiosk's session, `palm-cloud` the service and its vault. A fourth, `palm-sandbox`, is
the simulated payment provider, which is no part of the program: its licence is another one.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "packaging")]

from bill import bill_of_materials, read_collected  # noqa: E402 - found only now

from protocol import VERSION  # noqa: E402

HERE = ROOT / "packaging"
LIBRARY = Path("usr/lib/palm-kiosk")
"""Where the program lies in a system."""
SANDBOX = Path("usr/lib/palm-kiosk-sandbox")
"""Where the simulated payment provider lies (`cloud.providers.sandbox`)."""
SANDBOX_PARTS = ("localstripe.py", "sandbox_pages.py")
"""Our modules of `cloud/providers` that run it."""
BILL = HERE / "dist" / "palm-kiosk.cdx.json"
UNITS = Path("usr/lib/systemd/system")

MAINTAINER = "The palm kiosk's makers <palms@example.com>"

INSTALLED = """\
#!/bin/sh
set -e
systemd-sysusers {name}.conf
systemd-tmpfiles --create {name}.conf
# What is set there may be secret.
chgrp -R {name} /etc/{name}
chmod 750 /etc/{name}
chmod 640 /etc/{name}/settings.toml
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    {when_installed}
    {before_restart}
    # What ran before an upgrade runs in the new version; what nobody has started stays as it is.
    # An installation does not wait for a screen.
    [ -z "$2" ] || systemctl --no-block try-restart {units}
fi
"""
MIGRATION_TRIED = """\
! systemctl --quiet is-active palm-cloud || palm-cloud try-migration || {
        echo "The service of before still runs, but whatever it starts or loads is of the new" \\
            "version. Mend what is said above and run dpkg --configure -a, or install the" \\
            "packages of the version before again: at once." >&2
        exit 1
    }"""
TO_BE_REMOVED = """\
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now {units}
fi
"""
REMOVED = """\
#!/bin/sh
set -e
if [ "$1" = purge ]; then
    for folder in {state}; do
        # What it leads to may be a partition of its own, which stays.
        [ ! -d "$folder" ] || find "$folder/" -mindepth 1 -delete
        rmdir "$folder" 2>/dev/null || true
    done
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload
"""


@dataclass(frozen=True)
class Package:
    name: str
    says: str
    """What it is, in a line."""
    depends: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict[str, str])
    """Where a file lies in the system, and here below `packaging`."""
    units: tuple[str, ...] = ()
    when_installed: str = ":"
    """What has this machine take up the package's files, without a restart of it."""
    before_restart: str = ":"
    """What has to succeed before an upgrade has the units run in the new version."""
    state: tuple[str, ...] = ()
    """Folders that are deleted when the package is purged, and only then."""
    architecture: str = ""
    """Debian's name of the architecture; empty for that of this machine."""
    copyright: str = "copyright"


PACKAGES = (
    Package(
        "palm-program",
        "the palm kiosk's program, with all that it needs of Python and Qt",
        ("libc6 (>= 2.36)",),
    ),
    Package(
        "palm-kiosk",
        "a palm kiosk: a window on a screen of its own, started with the machine",
        (
            "alsa-utils",
            "systemd",
            "tpm2-tools",
            "libdbus-1-3",
            "libegl1",
            "libfontconfig1",
            "libgl1",
            "libgl1-mesa-dri",
            "libglib2.0-0 | libglib2.0-0t64",
            "libxcb-cursor0",
            "libxcb-icccm4",
            "libxcb-keysyms1",
            "libxcb-shape0",
            "libxcb-xkb1",
            "libxkbcommon-x11-0",
            "libxkbcommon0",
            "libxss1",
            "udev",
            "x11-xserver-utils",
            "xinit",
            "xinput",
            "xserver-xorg-core",
            "xserver-xorg-input-libinput",
        ),
        {
            "etc/palm-kiosk/settings.toml": "files/kiosk-settings.toml",
            "usr/lib/palm-kiosk/screen": "files/screen",
            "usr/lib/systemd/sleep.conf.d/60-palm-kiosk.conf": "files/sleep.conf",
            "usr/lib/sysctl.d/60-palm-kiosk.conf": "files/palm-kiosk-sysctl.conf",
            "usr/lib/palm-kiosk/session": "files/session",
            "usr/lib/udev/rules.d/60-palm-kiosk.rules": "files/60-palm-kiosk.rules",
            "usr/share/X11/xorg.conf.d/90-palm-kiosk.conf": "files/90-palm-kiosk-xorg.conf",
        },
        ("palm-kiosk.service", "palm-kiosk-update.service", "palm-kiosk-update.timer"),
        # What was plugged in before is the kiosk's as well; a container has neither of the two.
        "(udevadm control --reload && udevadm trigger) 2>/dev/null || true\n"
        "    systemctl restart systemd-sysctl || true",
        state=("/var/lib/palm-kiosk", "/etc/palm-kiosk"),
    ),
    Package(
        "palm-cloud",
        "the palm signature service and its vault",
        ("libpq5", "systemd"),
        {
            "etc/palm-cloud/settings.toml": "files/cloud-settings.toml",
            "usr/bin/palm-cloud": "files/palm-cloud",
            "usr/lib/systemd/sleep.conf.d/60-palm-cloud.conf": "files/sleep.conf",
        },
        ("palm-vault.service", "palm-cloud.service"),
        before_restart=MIGRATION_TRIED,
        state=("/var/lib/palm-cloud", "/var/lib/palm-vault", "/etc/palm-cloud"),
    ),
    Package(
        "palm-sandbox",
        "a simulated payment provider, to try a palm kiosk out",
        ("python3 (>= 3.11)", "python3-aiohttp", "python3-dateutil"),
        {f"{SANDBOX}/bin/python": "files/sandbox-python"},
        architecture="all",
        copyright="sandbox-copyright",
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run package", description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "dist", help="folder of the packages")
    parser.add_argument("--keep-program", action="store_true", help="do not build it anew")
    arguments = parser.parse_args()
    program = HERE / "dist" / "palm-kiosk"
    if not arguments.keep_program:
        build_program()
    arguments.out.mkdir(parents=True, exist_ok=True)
    packages = [with_libraries(package) for package in PACKAGES]
    write_bill(program, packages)
    for package in packages:
        file = build(package, program, arguments.out)
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB", flush=True)
    print(f"unpacked: {size(program) / 1e6:.1f} MB")
    return 0


def build_program() -> None:
    # Who names a package by a pattern means the one of this build.
    for before in (HERE / "dist").glob("*.deb"):
        before.unlink()
    pyinstaller = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    where = ["--workpath", str(HERE / "build"), "--distpath", str(HERE / "dist")]
    subprocess.run(
        [*pyinstaller, *where, str(HERE / "palm-kiosk.spec")],
        check=True,
        cwd=ROOT,
        # Our rooms lie in the root, and are looked for there.
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def with_libraries(package: Package) -> Package:
    """Returns the package with what it needs of Debian: the program has no library that Debian
    has."""
    if package.name != "palm-program":
        return package
    needed = json.loads((HERE / "build" / "palm-kiosk" / "debians.json").read_bytes())
    return replace(package, depends=(*package.depends, *needed))


def write_bill(program: Path, packages: Iterable[Package]) -> None:
    """Writes what the program is made of beside it."""
    described = bill_of_materials(
        read_collected(HERE / "build" / "palm-kiosk" / "collected.json"),
        program,
        HERE / "requirements.lock",
        own=ROOT,
        version=VERSION,
        depends={package.name: package.depends for package in packages},
    )
    BILL.write_text(json.dumps(described, indent=1) + "\n")


def build(package: Package, program: Path, out: Path) -> Path:
    """Returns the Debian package, made of a folder that looks as the system will."""
    # Not beside it: one has the name under which PyInstaller keeps what `--keep-program` reads.
    tree = HERE / "build" / "packages" / package.name
    shutil.rmtree(tree, ignore_errors=True)
    control = tree / "DEBIAN"
    control.mkdir(parents=True)
    if package.name == "palm-program":
        shutil.copytree(program, tree / LIBRARY, symlinks=True)
        (tree / "usr/bin").mkdir(parents=True)
        (tree / "usr/bin/palm-kiosk").symlink_to("/" / LIBRARY / "palm-kiosk")
        put(BILL, tree / "usr/share/doc" / package.name / BILL.name)
    if package.name == "palm-sandbox":
        put_sandbox(tree)
    for target, source in package.files.items():
        put(HERE / source, tree / target)
    for unit in package.units:
        put(HERE / "units" / unit, tree / UNITS / unit)
    for kind in ("sysusers", "tmpfiles"):
        source = HERE / "files" / f"{package.name}.{kind}"
        if source.exists():
            put(source, tree / f"usr/lib/{kind}.d/{package.name}.conf")
    documents = tree / "usr/share/doc" / package.name
    put(HERE / "files" / package.copyright, documents / "copyright")
    for page in ("install.md", "operating.md", "updates.md"):
        put(ROOT / "docs" / page, documents / page)
    alone = package.name in ("palm-program", "palm-sandbox")
    program_of_same = () if alone else (f"palm-program (= {VERSION})",)
    machine = package.architecture or architecture()
    fields = {
        "Package": package.name,
        "Version": VERSION,
        "Architecture": machine,
        "Maintainer": MAINTAINER,
        "Installed-Size": str(size(tree) // 1024),
        "Depends": ", ".join((*program_of_same, *package.depends)),
        "Section": "misc",
        "Priority": "optional",
        "Description": package.says,
    }
    text = "".join(f"{name}: {value}\n" for name, value in fields.items())
    (control / "control").write_text(text)
    configuration = [f"/{target}\n" for target in package.files if target.startswith("etc/")]
    if configuration:
        (control / "conffiles").write_text("".join(configuration))
    if package.units:
        write_scripts(package, control)
    file = out / f"{package.name}_{VERSION}_{machine}.deb"
    pack = [
        "dpkg-deb",
        "--root-owner-group",
        "-Zzstd",
        "-z19",
        "--threads-max=2",
        "--build",
        str(tree),
        str(file),
    ]
    subprocess.run(pack, check=True, stdout=subprocess.DEVNULL)
    return file


def put_sandbox(tree: Path) -> None:
    """Puts the simulated payment provider there, as it is published, and what runs it. Our rooms
    have no `__init__` there, which would import what only the program has."""
    folder = tree / SANDBOX / "lib"
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    named = re.search(r"^localstripe==(?:.*\\\n)+.*", lock, re.MULTILINE)
    assert named
    wanted = HERE / "build" / "sandbox.lock"
    wanted.write_text(named[0] + "\n")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"]
    where = ["--require-hashes", "--target", str(folder), "-r", str(wanted)]
    subprocess.run([*pip, *where], check=True)
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for name in SANDBOX_PARTS:
        put(ROOT / "cloud" / "providers" / name, folder / "cloud" / "providers" / name)


def write_scripts(package: Package, control: Path) -> None:
    """Writes what runs when the package is installed and removed."""
    names = {
        "name": package.name,
        "units": " ".join(package.units),
        "when_installed": package.when_installed,
        "before_restart": package.before_restart,
        "state": " ".join(package.state),
    }
    scripts = {"postinst": INSTALLED, "prerm": TO_BE_REMOVED, "postrm": REMOVED}
    for name, script in scripts.items():
        (control / name).write_text(script.format_map(names))
        (control / name).chmod(0o755)


def put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def architecture() -> str:
    shown = ["dpkg", "--print-architecture"]
    return subprocess.run(shown, check=True, capture_output=True, text=True).stdout.strip()


def size(folder: Path) -> int:
    """Returns how many bytes the files in a folder have."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
