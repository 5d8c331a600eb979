"""`oomirror diff-buckets`: what two listings say of one dataset, laid side by side."""
