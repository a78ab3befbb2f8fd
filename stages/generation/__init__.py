"""Requests to queries: the pattern grammar, prompts for models, picture description, the store."""
