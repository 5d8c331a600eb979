"""Where bytes come from and go to: buckets behind protocols, and the lab's share."""
