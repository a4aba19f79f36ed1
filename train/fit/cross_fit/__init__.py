"""Crops and small faces go in; a teacher for each fold, and one student of what they say out of
sample, come out."""
