"""The verbs of `./run cloud staff` with which an operator watches attacks, recognition and jobs."""

# ruff: noqa: T201 - a command answers on standard output

import argparse
import math
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncSession

from cloud import bootstrap
from cloud.console import acts, jobs, recognition
from cloud.console.roles import Reach, Role
from cloud.keys.person_keys import MasterKey
from cloud.merchants.merchants import all_sites
from cloud.seen import TOOK, Became, Quality
from cloud.staff_verbs import CannotDo, there
from cloud.watch import incidents
from cloud.watch.incidents import NOTE_LENGTH, IncidentRow, is_serious
from cloud.watch.tallies import Figures


def add_verbs(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds these verbs. `add` is the function of `cloud.staff` that adds one."""
    add("attacks", _list_attacks, "list attacks and other incidents that somebody should look at")
    look = add("look-at", _look_at, "mark an attack as looked at")
    freeze = add(
        "freeze-account", _freeze, "freeze the palms of the account that an attack is about"
    )
    for verb in (look, freeze):
        verb.add_argument("attack", help="the id of the attack")
    look.add_argument("--note", default="", help="what was found")
    add("recognition", _tell_recognition, "show the results of palms in the last seven days")
    add("jobs", _tell_jobs, "show unfinished errands of deletions, and how long data is kept")


async def _list_attacks(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    for row in await incidents.waiting(session):
        print(
            *(row.id, "serious" if is_serious(row) else "-", row.kind, f"{row.times} times"),
            *(f"{row.first_at:%Y-%m-%d %H:%M}", f"{row.last_at:%Y-%m-%d %H:%M}"),
            *(row.merchant_id, row.site_id, row.device_id),
            "about an account" if row.person_id else "-",
            sep="\t",
        )


async def _look_at(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    note = " ".join(arguments.note.split())
    if len(note) > NOTE_LENGTH:
        raise CannotDo(f"a note has at most {NOTE_LENGTH} characters.")
    incident = await _attack(arguments, session)
    if not await acts.look_at(session, arguments.by, incident, note):
        raise CannotDo(f"somebody has looked at {incident.id} already.")


async def _freeze(arguments: argparse.Namespace, session: AsyncSession, master: MasterKey) -> None:
    incident = await _attack(arguments, session)
    if not await acts.freeze_account(session, master, arguments.by, incident):
        raise CannotDo(
            f"{incident.id} is about no account, or about one that does not exist any more."
        )


async def _tell_recognition(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    devices = await recognition.devices_in_reach(session, Reach(Role.OPERATOR, None, None))
    sites = [site.id for site in await all_sites(session)]
    told = await recognition.tell(session, sites, devices, None, bootstrap.now().date())
    for each in told.kiosks:
        changed = [
            f"{change.measure} {change.times:.1f} times as before" for change in each.changes
        ]
        print(each.device.id, *_figures(each.week), "; ".join(changed) or "-", sep="\t")
    for light, figures in told.lights:
        print(f"light {light}", *_figures(figures), sep="\t")


def _figures(figures: Figures) -> list[str]:
    shares = [f"{each} {figures.share(each):.1%}" for each in Became]
    shares += [f"{each} {figures.share_of(each):.1%}" for each in Quality if figures.read]
    match figures.median_s:
        case None:
            median = "-"
        case math.inf:
            median = f"median above {TOOK[-1]:g} s"
        case seconds:
            median = f"median {seconds:g} s"
    return [f"{figures.tries} palms", *shares, median]


async def _tell_jobs(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    told = await jobs.tell(session, bootstrap.now())
    print(f"Accounts deleted in 30 days: {told.deleted}.")
    for each in told.left:
        since = "-" if each.since is None else f"deleted {each.since:%Y-%m-%d %H:%M}"
        again = f"{each.errand.due_at:%Y-%m-%d %H:%M}"
        print("left to do", each.errand.kind, since, each.errand.attempts, again, sep="\t")
    for kept in told.kept:
        at = kept.run and kept.run.done_at
        looked = "not yet" if at is None else f"{at:%Y-%m-%d %H:%M}"
        deleted = 0 if kept.run is None else kept.run.removed_in_all
        print("kept", kept.what, kept.kept_for, looked, deleted, sep="\t")
    for row in told.failing:
        print("fails", row.name, row.failures, row.fault, sep="\t")


async def _attack(arguments: argparse.Namespace, session: AsyncSession) -> IncidentRow:
    return there(await incidents.find(session, arguments.attack), "attacks", arguments.attack)
