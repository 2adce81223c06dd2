"""What a till speaks, and the journal of sales."""
