"""Tells Schemathesis how an envelope is sent: as its bytes."""

import schemathesis  # pyright: ignore[reportMissingImports]


@schemathesis.serializer("application/palm-envelope")  # pyright: ignore
def envelope(_: object, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
