"""`oomirror catalog`: one file a command."""
