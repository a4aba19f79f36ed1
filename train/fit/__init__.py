"""Crops go in; a training run with its weights and plots comes out."""
