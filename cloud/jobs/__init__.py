"""Work that no request asks for: housekeeping, the errands of the outbox, and re-keying."""
