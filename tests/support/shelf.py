"""A database and a Stripe with prepared answers: rules about cards need no whole service."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from fastapi import FastAPI
from sqlalchemy import func, select

from cloud.context import Alerts, Context, Database, Events
from cloud.db.tables import Table
from cloud.integrations import events
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson, find_person, make_person
from cloud.messages import Messenger
from cloud.messages.sandbox import SandboxMessenger
from cloud.noted import Noted
from cloud.payments import webhooks
from cloud.payments.cards import CardDetail, cards_of
from cloud.people import alerts
from cloud.people.accounts import Accounts
from cloud.providers.stripe import StripeProvider
from cloud.seen import Seen
from cloud.settings import Settings
from cloud.telemetry.measures import SILENT, Telemetry
from cloud.web import problems
from cloud.web.limits import BodyLimit
from tests.support import databases
from tests.support.stripe_api import StripeApi

SECRET = "whsec_tests"
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@dataclass
class Shelf:
    """What of `cloud.context.Context` cards and receipts need. `ahead` moves its clock."""

    master: MasterKey
    database: Database
    payments: StripeProvider
    accounts: Accounts = field(default_factory=lambda: Accounts(Settings()))
    messenger: Messenger = field(default_factory=SandboxMessenger)
    noted: Noted = field(default_factory=Noted)
    seen: Seen = field(default_factory=Seen)
    alerts: Alerts = alerts
    events: Events = events
    telemetry: Telemetry = SILENT
    ahead: timedelta = timedelta(0)
    woken: int = 0

    def clock(self) -> datetime:
        return NOON + self.ahead

    async def wake(self) -> None:
        self.woken += 1

    @property
    def context(self) -> Context:
        return cast(Context, self)

    @property
    def app(self) -> FastAPI:
        """The part of the API that the provider calls."""
        app = FastAPI()
        app.state.context = self
        problems.install(app)
        app.add_middleware(BodyLimit)
        app.include_router(webhooks.router)
        return app

    async def person(self) -> str:
        async with self.database.session() as session:
            person = make_person(session, self.master)
            await session.commit()
            return person.person_id

    async def cards(self, person_id: str) -> list[CardDetail]:
        async with self.database.session() as session:
            person: OpenPerson = await find_person(session, self.master, person_id)
            return list((await cards_of(session, person)).values())

    async def count(self, table: type[Table]) -> int:
        async with self.database.session() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0


@asynccontextmanager
async def shelf(root: Path, api: StripeApi) -> AsyncGenerator[Shelf]:
    provider = StripeProvider(
        "sk_test_1", api.url, webhook_secret=SECRET, return_url="https://shop.test/saved"
    )
    store = databases.opened(root)
    try:
        yield Shelf(MasterKey(os.urandom(32)), store, provider)
    finally:
        await provider.close()
        await store.close()
