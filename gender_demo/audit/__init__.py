"""audit.json goes in; the sentences, tables and charts that page and card show come out."""
