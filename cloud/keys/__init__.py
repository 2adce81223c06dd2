"""People's keys, the master key that wraps them, and values sealed with them."""
