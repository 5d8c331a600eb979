"""What sampled blocks tell: how their voxels are related, and what of `compression` comes from what.

Pure, and the only part of the core that uses numpy; scikit-image is imported where shifts are looked for.
"""
