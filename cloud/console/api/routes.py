"""The routes of the console's operations."""

from fastapi import APIRouter

from cloud.console.api import (
    holdings,
    kiosks,
    sites,
    staff,
)

ROUTERS: tuple[APIRouter, ...] = (
    *sites.ROUTERS,
    *kiosks.ROUTERS,
    *staff.ROUTERS,
    *holdings.ROUTERS,
)
