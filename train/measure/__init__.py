"""A checkpoint and labelled pictures go in; audit.json and the model card come out."""
