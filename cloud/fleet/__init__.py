"""Looking after kiosks from afar."""
