"""What each command does, as one function a command: the ring that knows configuration, engine and catalog."""
