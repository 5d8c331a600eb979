"""What the keys of a dataset mean: N5, zarr, Neuroglancer precomputed, meshes. Pure, and usable alone."""
