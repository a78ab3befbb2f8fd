"""What needs the whole table: duplicates, selection, split, figures."""
