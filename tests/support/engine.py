"""Which database the services of a test run have: files of SQLite, or one on a server."""

import os

VARIABLE = "PALM_TESTS_DATABASE"
"""In the environment, also of the processes that tests start."""
SQLITE, POSTGRESQL = "sqlite", "postgresql"
ENGINES = (SQLITE, POSTGRESQL)


def is_server() -> bool:
    return os.environ.get(VARIABLE) == POSTGRESQL
