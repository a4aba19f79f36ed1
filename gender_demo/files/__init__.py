"""Picture files go in; results per file, table rows, CSV and JSON come out."""
