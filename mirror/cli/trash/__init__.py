"""Commands of the trash, one a file."""
