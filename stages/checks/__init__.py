"""Checking: one check per file; each returns None or the reason to refuse. `call` applies them."""
