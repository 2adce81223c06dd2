"""The protocol of a till, and the journal of purchases."""
