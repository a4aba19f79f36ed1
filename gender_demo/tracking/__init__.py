"""Frames of a video go in, Analyses with steady boxes and labels come out."""
