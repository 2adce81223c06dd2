"""The routes of the console's operations."""

from fastapi import APIRouter

from cloud.console.api import (
    agreed_texts,
    approvals,
    attacks,
    audit_trail,
    calendars,
    compared_days,
    holdings,
    jobs,
    kiosk_pictures,
    kiosks,
    looks,
    payment_limits,
    purchase_files,
    sites,
    staff,
    summaries,
)

ROUTERS: tuple[APIRouter, ...] = (
    *sites.ROUTERS,
    *kiosks.ROUTERS,
    *staff.ROUTERS,
    *holdings.ROUTERS,
    *attacks.ROUTERS,
    *jobs.ROUTERS,
    *summaries.ROUTERS,
    *payment_limits.ROUTERS,
    *looks.ROUTERS,
    *calendars.ROUTERS,
    *kiosk_pictures.ROUTERS,
    *agreed_texts.ROUTERS,
    *approvals.ROUTERS,
    *audit_trail.ROUTERS,
    *purchase_files.ROUTERS,
    *compared_days.ROUTERS,
)
