"""Reading and drawing pictures."""
