"""A real S3 server on loopback with two small sample buckets, for `oomirror demo` and for tests."""
