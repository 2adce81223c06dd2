"""Names of the transforms that search codes are made under: which secret it was, and when it took
the place of the one before."""

from palm.search import protection


def name_of(secret: bytes, renewed_at: int) -> str:
    """Returns the name of the transform of a secret, which was made at this time in milliseconds
    since the epoch in place of another one; 0 for the first one."""
    name = protection.name_of(secret)
    return f"{renewed_at}.{name}" if renewed_at else name


def renewed_at(transform: str) -> int:
    """Returns when the secret of a transform took the place of another one, in milliseconds since
    the epoch; 0 for the first one, and for one that version 0.1.0 has made."""
    at, is_told, _ = transform.partition(".")
    return int(at) if is_told else 0
