"""The outbox: work for other services, stored in the transaction that causes it."""
