"""Crops as the catalog knows them: where they lie, and what their sources do not agree about."""
