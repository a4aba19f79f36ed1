"""Prepared crops and a checkpoint go in; decisions about doubtful labels come out."""
