"""What the stages do for packs with `catalogue.json` and `pack.yaml`, one stage a file.

The pack `creative` still has the older form (`domain.yaml`); once it has this one, these files take
the place of the stages' own.
"""
