"""From statistics and material to requests: targets, cells, template choice, slots."""
