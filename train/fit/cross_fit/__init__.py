"""Crops and small faces go in; four teachers, and one student of what they say out of sample, come
out."""
