"""The command `./run cloud staff`, with its verbs about merchants, sites, devices, keys and the
service itself. Further verbs are in the modules `cloud.staff_*`."""

# ruff: noqa: T201 - a command answers on standard output

import argparse
import re
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import (
    bootstrap,
    staff_console,
    staff_doors,
    staff_fleet,
    staff_integrators,
    staff_sales,
    staff_watch,
)
from cloud.ages.ages import checks_of
from cloud.console import acts
from cloud.console import sign_ins as console_sign_ins
from cloud.console.audit import By, Door
from cloud.db import database
from cloud.fleet import reports
from cloud.keys.person_keys import MasterKey
from cloud.law import LAWS, Law, find_law
from cloud.merchants import merchants, regions
from cloud.outbox import queue
from cloud.payments import receipts
from cloud.people import begun, inactivity, passkeys, sign_ins
from cloud.recognition import palms, thresholds
from cloud.settings import Merchant, Settings
from cloud.staff_verbs import Act, CannotDo, commander, days, there
from cloud.state import State, StateInUse
from cloud.web import devices
from cloud.web.merchant_keys import KeyUse, all_keys, make_key, remove_key

READER = re.compile(r"tmr_[A-Za-z0-9]{4,60}")
"""The form of Stripe's ids of card readers."""

LAW = f"the law of the site: {', '.join(LAWS)} (docs/law.md)"
UNSENT_LISTED = timedelta(days=30)
"""The age up to which receipts that were given up are listed."""
RUNS_LISTED = 400
"""The number of daily runs that are listed, which covers more than a year."""
GALLERIES = (1_000, 10_000, 100_000)
"""The numbers of palms for which thresholds are listed besides those of the present number."""
NOTED: Mapping[str, str | None] = {
    "change-site": "site",
    "bind-reader": "device",
    "till-key": "merchant",
    "access-key": "merchant",
    "api-key": "merchant",
    "remove-key": "key",
    "end-sessions": None,
    "remove-passkeys": None,
    "support-bundle": "device",
    "set-door": "device",
    "remove-door": "device",
    "site-hook": "site",
    "access-list": "site",
    "age-checks": "merchant",
}
"""The verbs whose name is noted in the audit trail, each with the argument that is its subject;
None for the service itself. `cloud.console.acts` notes the verbs that are also acts of the console,
and verbs that only list are not noted."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="what", required=True)

    def add(name: str, act: Act, what: str, options: str = "-") -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=what, prefix_chars=options)
        verb.set_defaults(act=act)
        return verb

    code = add("activation-code", _show_code, "show a code that activates one device")
    code.add_argument("--site", help="the id of its site; needed where there are several")
    add("merchants", _list_merchants, "list the merchants")
    new = add("add-merchant", _add_merchant, "add a merchant with a site")
    new.add_argument("--site", default="Shop", help="the name of its first site")
    change = add("change-merchant", _change_merchant, "change the details of a merchant")
    change.add_argument("merchant", help="the id of the merchant")
    new.add_argument("--law", help=LAW)
    for verb, is_new in ((new, True), (change, False)):
        for option, what in (
            ("--name", "the name that shoppers see"),
            ("--country", "its ISO 3166-1 alpha-2 code"),
            ("--currency", "the ISO 4217 code of all its sales"),
        ):
            verb.add_argument(option, required=is_new, help=what)
        verb.add_argument("--account", help="its own account, connected to yours at Stripe")
        verb.add_argument(
            "--region",
            help="the region that the palms of its people may not leave (docs/scale.md, Regions); "
            "none for no such limit",
        )
    add("sites", _list_sites, "list the sites with their laws")
    site = add("add-site", _add_site, "add a site of a merchant")
    site.add_argument("merchant", help="the id of the merchant")
    site.add_argument("name")
    site.add_argument("--law", help=LAW)
    move = add("change-site", _change_site, "change the law of a site")
    move.add_argument("site", help="the id of the site")
    move.add_argument("--law", required=True, help=f"{LAW}; none for the law in settings.toml")
    add("devices", _list_devices, "list the devices")
    # The id of a device is made of its key and may begin with a dash, so options begin with a plus.
    revoke = add("revoke-device", _revoke_device, "revoke a device", "+")
    replace = add(
        "replace-device",
        _replace_device,
        "show a code that activates another device in place of one",
        "+",
    )
    bind = add("bind-reader", _bind_reader, "bind a card reader of Stripe's to a device", "+")
    till = add("till-key", _make_till_key, "show a new key for the tills of a merchant")
    till.add_argument("--days", type=days, help="after how many days it expires; default: never")
    access = add("access-key", _make_access_key, "show a new key with which access lists are sent")
    access.add_argument(
        "--days", type=days, default=365, help="after how many days it expires; default: 365"
    )
    for verb in (till, access):
        verb.add_argument("merchant", help="the id of the merchant")
    add("keys", _list_keys, "list the keys of tills and systems, and when they expire")
    old = add("remove-key", _remove_key, "remove a key, which is not valid from now on")
    old.add_argument("key", help="the first part of the key: till_..., access_... or api_...")
    seen = add("age-checks", _list_age_checks, "list when staff of a merchant have checked an age")
    seen.add_argument("merchant", help="the id of the merchant")
    add(
        "unfinished",
        _list_unfinished,
        "list errands that have failed so far, and receipts given up",
    )
    add("thresholds", _list_thresholds, "list the scores from which palms are accepted")
    add("inactivity", _list_runs, "list the runs that delete accounts that nobody uses")
    add("end-sessions", _end_sessions, "sign everybody out of the portal and the console")
    for verbs_of in (
        staff_doors,
        staff_fleet,
        staff_console,
        staff_integrators,
        staff_sales,
        staff_watch,
    ):
        verbs_of.add_verbs(add)
    add(
        "remove-passkeys",
        _remove_passkeys,
        "remove all passkeys of the portal, after its host name has changed",
    )
    for verb in (revoke, replace, bind):
        verb.add_argument("device", help="the id of the device")
    bind.add_argument("reader", help="the id of the reader, tmr_...; none removes its reader")


async def run(arguments: argparse.Namespace, state: State, chosen: Settings) -> None:
    """Carries out a verb, also while the service is running. In an empty directory it makes the
    keys and the database, as the first start of the service does. Raises CannotDo."""
    arguments.chosen = chosen
    arguments.by = By(Door.COMMAND, commander(), bootstrap.now())
    with ExitStack() as stack:
        try:
            stack.enter_context(state.held())
            is_held = True
        except StateInUse:
            # The service is running. It has made the keys if the database is there.
            if not database.is_made(state.address):
                raise
            is_held = False
        master, _ = bootstrap.open_store(
            state, chosen.master_key, alone=is_held, region=chosen.service.region
        )
        store = database.open_database(state.address)
        try:
            async with store.session() as session:
                if is_held:
                    # A running service keeps the settings with which it was started.
                    await merchants.follow_settings(session, chosen.merchant)
                act: Act = arguments.act
                before = await merchants.faults_of_laws(session, chosen)
                doubted = [] if before else await merchants.doubts_of_laws(session, chosen)
                await act(arguments, session, master)
                if arguments.what in NOTED:
                    await _note(arguments, session)
                faults = await merchants.faults_of_laws(session, chosen)
                if not set(faults) <= set(before):
                    raise CannotDo("nothing was changed: " + " ".join(faults))
                for doubt in [] if faults else await merchants.doubts_of_laws(session, chosen):
                    if doubt not in doubted:
                        print(f"cloud: {doubt}", file=sys.stderr)
                await session.commit()
        finally:
            await store.close()


async def _note(arguments: argparse.Namespace, session: AsyncSession) -> None:
    name = NOTED[arguments.what]
    # The rest of a key is secret.
    subject = "" if name is None else str(getattr(arguments, name)).partition(".")[0]
    await acts.note_command(session, arguments.by, arguments.what, subject)


async def _show_code(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    if arguments.site is not None:
        site = there(await merchants.find_site(session, arguments.site), "sites", arguments.site)
    else:
        site, *others = sites = await merchants.all_sites(session)
        if others:
            listed = "".join(f"\n  --site {each.id}  ({each.name})" for each in sites)
            raise CannotDo(f"there are several sites. Say which one:{listed}")
    print(await acts.show_code(session, master, arguments.by, site))


async def _list_merchants(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    for row in await merchants.all_merchants(session):
        given = row.country, row.currency, row.account or "-", row.name, row.region or "-"
        print(row.id, *given, sep="\t")


async def _add_merchant(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    merchant = _merchant({}, arguments)
    row, site = await acts.add_merchant(
        session, arguments.by, merchant, arguments.site, _law(arguments)
    )
    print(f"merchant {row.id}\nsite {site.id}")
    _tell_of_region(row, arguments.chosen)


async def _change_merchant(
    arguments: argparse.Namespace, session: AsyncSession, _: MasterKey
) -> None:
    row = await _merchant_named(session, arguments.merchant)
    if row.id == merchants.FIRST:
        raise CannotDo(
            "the details of the first merchant are set under [merchant] in settings.toml. Change "
            "them there, and start the service again."
        )
    now = {name: getattr(row, name) for name in Merchant.model_fields}
    await acts.change_merchant(session, arguments.by, row, _merchant(now, arguments))
    _tell_of_region(row, arguments.chosen)


async def _list_sites(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    for site in await merchants.all_sites(session):
        print(site.id, site.merchant_id, site.law or "-", site.name, sep="\t")


async def _add_site(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    merchant = await _merchant_named(session, arguments.merchant)
    site = await acts.add_site(session, arguments.by, merchant, arguments.name, _law(arguments))
    print(f"site {site.id}")


async def _change_site(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    site = there(await merchants.find_site(session, arguments.site), "sites", arguments.site)
    law = _law(arguments)
    site.law = law and law.code


async def _list_devices(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    told, now = await reports.latest(session), bootstrap.now()
    for device in await devices.all_devices(session):
        until = device.revoked_at
        state = "active" if until is None else f"revoked {until:%Y-%m-%d %H:%M}"
        print(
            *(device.id, device.merchant_id, device.site_id, state, device.reader or "-"),
            *_told(told.get(device.id), now if until is None else until),
            device.name,
            sep="\t",
        )


def _told(told: reports.Told | None, until: datetime) -> tuple[str, str, str]:
    """Returns three columns of a list: when a device reported last, its version with its figures,
    and its faults. `until` is the time up to which it should have reported."""
    if told is None:
        return "-", "-", "-"
    report = told.report
    figures = (
        f"{report.version} up {report.running_s // 3600} h, disk {report.disk_free_mb} MB free, "
        f"memory {report.memory_mb} MB, {report.visits} visits, {report.troubles} ended"
    )
    silent = ["silent"] if until - told.at > reports.SILENT_AFTER else []
    tampered = [] if report.tampering is None else [f"tampering {report.tampering}"]
    found = [f"{fault.part} {fault.finding}" for fault in report.faults]
    faults = ", ".join(silent + tampered + found)
    return f"{told.at:%Y-%m-%d %H:%M}", figures, faults or "well"


async def _revoke_device(
    arguments: argparse.Namespace, session: AsyncSession, _: MasterKey
) -> None:
    device = await devices.find_device(session, arguments.device)
    if device is None or device.revoked_at is not None:
        raise CannotDo(f"there is no active device {arguments.device}. List them: staff devices.")
    await acts.revoke_device(session, arguments.by, device)


async def _replace_device(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    device = there(
        await devices.find_device(session, arguments.device), "devices", arguments.device
    )
    print(await acts.replace_device(session, master, arguments.by, device))


async def _bind_reader(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    reader = arguments.reader
    if reader != "none" and not READER.fullmatch(reader):
        raise CannotDo("the id of a reader of Stripe's is tmr_ and letters and digits.")
    if not await devices.bind_reader(
        session, arguments.device, None if reader == "none" else reader
    ):
        raise CannotDo(f"there is no active device {arguments.device}. List them: staff devices.")


async def _make_till_key(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    await _make_key(arguments, session, master, KeyUse.TILL)


async def _make_access_key(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey
) -> None:
    await _make_key(arguments, session, master, KeyUse.ACCESS)


async def _make_key(
    arguments: argparse.Namespace, session: AsyncSession, master: MasterKey, use: KeyUse
) -> None:
    merchant = await _merchant_named(session, arguments.merchant)
    life = None if arguments.days is None else timedelta(days=arguments.days)
    print(await make_key(session, master, use, merchant.id, bootstrap.now(), life=life))


async def _list_keys(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    for key in await all_keys(session):
        until = "-" if key.expires_at is None else f"until {key.expires_at:%Y-%m-%d %H:%M}"
        made = f"{key.made_at:%Y-%m-%d %H:%M}"
        print(key.id, key.merchant_id or "-", made, until, key.scopes or "-", sep="\t")


async def _remove_key(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    # Somebody may give the whole key.
    name = arguments.key.partition(".")[0]
    if not await remove_key(session, name):
        raise CannotDo(f"there is no key {name}. List them: staff keys.")


async def _list_age_checks(
    arguments: argparse.Namespace, session: AsyncSession, _: MasterKey
) -> None:
    """The list tells neither whose age was checked nor the age."""
    merchant = await _merchant_named(session, arguments.merchant)
    for seen in await checks_of(session, merchant.id):
        print(f"{seen.at:%Y-%m-%d %H:%M}", seen.staff, seen.device_id, sep="\t")


async def _list_unfinished(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    """The list does not tell whom an errand is about."""
    for errand in await queue.failed(session):
        print("waits", errand.kind, errand.attempts, f"{errand.due_at:%Y-%m-%d %H:%M}", sep="\t")
    for row in reversed(await receipts.unsent(session, bootstrap.now() - UNSENT_LISTED)):
        at = f"{row.at:%Y-%m-%d %H:%M}"
        print("given up", receipts.SEND_RECEIPT, row.merchant_id, row.reference, at, sep="\t")


async def _list_runs(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    for row in reversed(await inactivity.latest_runs(session, RUNS_LISTED)):
        ended = "not finished" if row.ended_at is None else f"{row.ended_at:%Y-%m-%d %H:%M}"
        counts = f"told {row.told}", f"deleted {row.deleted}", f"failed {row.failed}"
        print(f"{row.began_at:%Y-%m-%d %H:%M}", ended, *counts, row.fault or "-", sep="\t")
    once, twice = await inactivity.waiting(session)
    print(f"People who were warned of a deletion: {once} once, {twice} twice.")


async def _list_thresholds(
    arguments: argparse.Namespace, session: AsyncSession, _: MasterKey
) -> None:
    """Lists the thresholds of the present gallery, and of larger ones."""
    chosen: Settings = arguments.chosen
    policy = bootstrap.policy_of(chosen.recognition)
    now = await palms.count(session)
    for size in sorted({now, *(each for each in GALLERIES if each > now)}):
        print(f"{size:,} enrolled palms")
        for version in policy.calibrations:
            for line in thresholds.lines(policy, version, size):
                print(f"version {version}", *line, sep="\t")


async def _end_sessions(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    await begun.leave_all_browsers(session)
    ended = await sign_ins.end_all(session) + await console_sign_ins.end_all(session)
    print(f"Sessions ended: {ended}.")


async def _remove_passkeys(_: argparse.Namespace, session: AsyncSession, __: MasterKey) -> None:
    print(f"Passkeys removed: {await passkeys.remove_all(session)}.")


def _law(arguments: argparse.Namespace) -> Law | None:
    """Returns the law that the option --law names; None for the law of the settings. Raises
    CannotDo."""
    try:
        return None if arguments.law in (None, "none") else find_law(arguments.law)
    except ValueError as error:
        raise CannotDo(f"{error}.") from None


def _merchant(now: dict[str, str | None], arguments: argparse.Namespace) -> Merchant:
    """Returns a merchant with the values of the options, and the present value where an option is
    missing. Raises CannotDo."""
    asked = {name: getattr(arguments, name) for name in Merchant.model_fields}
    values = now | {name: value for name, value in asked.items() if value is not None}
    if arguments.region == "none":
        values["region"] = None
    try:
        merchant = Merchant.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise CannotDo(f"{faults}.") from None
    uncarried = bootstrap.uncarried(merchant.currency)
    if uncarried is not None:
        raise CannotDo(uncarried)
    return merchant


def _tell_of_region(row: "merchants.MerchantRow", chosen: Settings) -> None:
    """Tells staff about a merchant whose palms this service may not store."""
    if regions.is_here(row, chosen.service):
        return
    service = regions.service_of(row, chosen.service) or "not under [service.elsewhere]"
    print(
        f"This service takes no palms for {row.id} from now on: they stay in {row.region}. "
        f"Activate its kiosks at the service there ({service}). Whoever has signed up here stays "
        "here until they have their data deleted.",
        file=sys.stderr,
    )


async def _merchant_named(session: AsyncSession, merchant_id: str) -> "merchants.MerchantRow":
    return there(await merchants.find_merchant(session, merchant_id), "merchants", merchant_id)
