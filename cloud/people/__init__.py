"""People: accounts, enrolments, claims, one-time codes, deletions and their receipts."""
