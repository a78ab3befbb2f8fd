"""How calls and conversations are text for a model, and back."""
