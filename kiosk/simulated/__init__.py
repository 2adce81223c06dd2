"""What stands in for the world around a kiosk: a till, a network that can be cut, a shopper."""
