"""Training: dataset rows to tokens, one sequence for rows that share a prefix, QLoRA."""

import logging

# bitsandbytes complains, when imported, of an optional kernel that training has no use for.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
