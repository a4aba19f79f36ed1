"""Arguments go in; printed results, written files or a published page come out."""
