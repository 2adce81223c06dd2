"""Every figure the README quotes, each taken by one file of this folder."""
