"""Person keys and the key that wraps them."""
