"""Checking: one check a file; each says accept (None) or a reason. `call` applies them."""
