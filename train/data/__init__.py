"""Labelled pictures as people have them go in; face crops with a manifest and a report come out."""
