"""A pipeline goes in; the page with its live view, photos and report comes out."""
