"""The asynchronous shell: finds, lists, fetches and records; what to do is decided elsewhere."""
