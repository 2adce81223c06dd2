"""The outbox: work for other services, written down in the transaction that causes it."""
