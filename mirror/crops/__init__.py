"""Crops: boxes of voxels, where they lie in raw, which blocks they touch. Pure."""
