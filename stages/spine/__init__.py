"""What the stages share in writing and scoring: who writes, what was said, how it is scored."""
