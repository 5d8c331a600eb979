"""Why two buckets differ in size: every byte accounted for."""
