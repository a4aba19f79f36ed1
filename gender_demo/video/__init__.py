"""Video files go in; annotated videos, tables of tracks and contact sheets come out."""
