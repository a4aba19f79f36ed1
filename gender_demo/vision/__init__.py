"""A picture goes in, an Analysis comes out: one file per step of the arrow."""
