"""The console's operations of the API: what staff see and do on a page, a system sees and does with
a key."""
