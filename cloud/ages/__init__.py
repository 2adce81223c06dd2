"""Ages that staff have seen in a document."""
