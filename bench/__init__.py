"""Side-by-side runs of `oomirror sync` and other tools, whole processes on the same objects: `python -m bench`."""
