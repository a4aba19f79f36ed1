"""Picture files go in; results per file, table rows, CSV, JSON and drawn pictures come out."""
