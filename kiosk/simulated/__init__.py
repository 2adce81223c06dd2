"""Simulations of the world around a kiosk: a till, a network that fails, a shopper."""
