"""People at gates, doors and desks: who may pass where and when, and with what."""
