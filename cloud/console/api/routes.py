"""The routes of the console's operations."""

from fastapi import APIRouter

from cloud.console.api import kiosks, sites

ROUTERS: tuple[APIRouter, ...] = (
    *sites.ROUTERS,
    *kiosks.ROUTERS,
)
