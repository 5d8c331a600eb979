"""Import of the paper's databases: foreign documents read, understood, and kept as they were."""
