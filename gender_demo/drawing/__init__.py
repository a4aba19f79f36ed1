"""An Analysis goes in; marks, laid out once for Pillow and canvas, and a drawn picture come out."""
