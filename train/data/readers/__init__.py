"""A folder or archive of files goes in; labelled pictures come out, one file for each layout."""
