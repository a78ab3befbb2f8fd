"""Training: dataset rows to tokens, one sequence for rows that share a prefix, QLoRA."""
