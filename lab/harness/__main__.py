"""`./run lab`: tests the product as a laboratory does (docs/liveness-lab.md).

`./run lab begin LOG PLAN` fixes the plan and the build. Then, one transaction a command:
`./run lab enrol LOG SUBJECT`, `./run lab verify LOG SUBJECT [--claims NAME]`, and
`./run lab attack LOG SUBJECT --claims NAME --species SPECIES [--artefact NAME]`, each with
`--people FOLDER` for the templates and either `--from FOLDER` for stored presentations or
`--camera ADDRESS [--infrared ADDRESS] --light ADDRESS`. `./run lab report LOG` counts.
"""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from hardware.faults import DeviceFault
from kiosk.devices import WrongDevices
from kiosk.service.errors import TooSlow
from lab.harness.build import frozen
from lab.harness.folder import FolderSource, NoPresentation, keep
from lab.harness.journal import Begun, BrokenJournal, Journal, Purpose, begun, read
from lab.harness.kiosk import kiosk
from lab.harness.people import People
from lab.harness.plan import WrongPlan, read_plan
from lab.harness.product import Product, Shown
from lab.harness.report import report
from lab.harness.transactions import Bench, Claim, Keep, NotInPlan, Source
from palm.models import ModelMissing
from palm.template.interfaces import VersionMismatch


class CannotTest(Exception):
    """The test cannot go on; the message says why, and what to do."""


def main(words: list[str] | None = None) -> int:
    """Returns 0, 1 where the product rejected, and 2 where the test could not be made."""
    asked = _parser().parse_args(words)
    try:
        match asked.verb:
            case "begin":
                return _begin(asked.log, asked.plan)
            case "report":
                return _report(asked.log, asked.json)
            case _:
                return asyncio.run(_transaction(asked))
    except (
        BrokenJournal,
        CannotTest,
        DeviceFault,
        ModelMissing,
        NoPresentation,
        NotInPlan,
        TooSlow,
        VersionMismatch,
        WrongDevices,
        WrongPlan,
    ) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    except OSError as problem:
        print(f"{problem.filename}: {problem.strerror}", file=sys.stderr)  # noqa: T201
        return 2


def _begin(log: Path, plan: Path) -> int:
    if log.exists():
        raise CannotTest(f"{log} is there already: a log belongs to one test. Choose another name.")
    fixed, build = read_plan(plan), frozen()
    journal = Journal(log)
    journal.add(
        Begun(
            plan=fixed.plan,
            plan_digest=fixed.digest,
            version=build.version,
            build=build.digest,
        )
    )
    _tell(f"{fixed.plan.name}: product {build.version}, head {journal.head}")
    return 0


def _report(log: Path, file: Path | None) -> int:
    made = report(*read(log))
    _tell(made.markdown())
    if file is not None:
        file.write_text(json.dumps(made.figures(), indent=1) + "\n", encoding="utf-8")
    return 0


async def _transaction(asked: argparse.Namespace) -> int:
    journal = Journal(asked.log)
    if not journal.lines:
        raise CannotTest(f"{asked.log} is not there: begin a test with a plan.")
    first = begun(journal.lines)
    if frozen().digest != first.build:
        raise CannotTest(
            f"This is not the product that {asked.log} was begun with ({first.version}). "
            "Go on with that one, or begin another test."
        )
    purpose = Purpose.ENROL if asked.verb == "enrol" else Purpose.VERIFY
    claim = Claim(
        purpose,
        subject=asked.subject,
        claimed=getattr(asked, "claims", None) or asked.subject,
        species=getattr(asked, "species", None),
        artefact=getattr(asked, "artefact", None),
    )
    async with _source(asked) as source:
        bench = Bench(
            first.plan,
            Product(first.plan),
            People(asked.people),
            journal,
            source,
            None if asked.keep is None else _keeper(asked.keep),
        )
        accepted = await bench.transaction(claim)
    _tell("accepted" if accepted else "rejected")
    _tell(f"head {journal.head}")
    return 0 if accepted else 1


@asynccontextmanager
async def _source(asked: argparse.Namespace) -> AsyncGenerator[Source]:
    if asked.camera is None:
        yield FolderSource(asked.folder)
    else:
        async with kiosk(asked.camera, asked.infrared, asked.light) as source:
            yield source


def _keeper(folder: Path) -> Keep:
    def kept(transaction: int, attempt: int, shown: Shown) -> None:
        number = 1 + len(list(folder.glob("*"))) if folder.is_dir() else 1
        keep(folder / f"{number:05}-t{transaction}-try{attempt}", shown)

    return kept


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./run lab", description="Tests the product as a laboratory does."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    begin = verbs.add_parser("begin", help="fix the plan and the build")
    begin.add_argument("log", type=Path)
    begin.add_argument("plan", type=Path)
    counted = verbs.add_parser("report", help="make the tables from the log")
    counted.add_argument("log", type=Path)
    counted.add_argument("--json", type=Path, metavar="FILE")
    for verb, says in (
        ("enrol", "enrol a hand"),
        ("verify", "let somebody claim to be themselves, or another"),
        ("attack", "show an artefact"),
    ):
        one = verbs.add_parser(verb, help=says)
        one.add_argument("log", type=Path)
        one.add_argument("subject", type=_name, help="whose hand it is, or who shows the artefact")
        if verb != "enrol":
            one.add_argument(
                "--claims",
                type=_name,
                metavar="NAME",
                required=verb == "attack",
                help="who it is to be",
            )
        if verb == "attack":
            one.add_argument("--species", required=True)
            one.add_argument("--artefact", metavar="NAME", help="which one of the species")
        one.add_argument("--people", type=Path, required=True, help="folder of the templates")
        one.add_argument("--keep", type=Path, metavar="FOLDER", help="keep every presentation here")
        where = one.add_mutually_exclusive_group(required=True)
        where.add_argument("--from", dest="folder", type=Path, help="stored presentations")
        where.add_argument("--camera", metavar="ADDRESS")
        one.add_argument("--infrared", metavar="ADDRESS")
        one.add_argument("--light", metavar="ADDRESS", default="none:")
    return parser


def _name(text: str) -> str:
    """Names are those of folders as well."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", text):
        raise argparse.ArgumentTypeError("a name has letters, digits and hyphens")
    return text


def _tell(text: str) -> None:
    print(text)  # noqa: T201 - the output of this command


if __name__ == "__main__":
    sys.exit(main())
