"""`oomirror schedule`: one file a command."""
