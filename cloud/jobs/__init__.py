"""What the service does when nobody asks: the outbox and housekeeping."""
