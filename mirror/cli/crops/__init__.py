"""The commands of `oomirror crops`."""
