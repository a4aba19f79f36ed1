"""Frames of a video go in, Analyses with smoothed boxes and labels come out."""
