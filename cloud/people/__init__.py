"""Accounts: enrolment, claims, one-time codes, deletion and receipts."""
