"""What commands answer: models, and their renderers to text and JSON. No renderer looks anything up."""
