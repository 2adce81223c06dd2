"""The database: its engine, the base of all tables, and the migrations."""
