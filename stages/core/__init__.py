"""Ground floor: settings, tables, domain packs, files. Imports nothing of ours."""
