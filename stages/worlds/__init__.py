"""Worlds: databases in memory whose state a pack's functions change."""
