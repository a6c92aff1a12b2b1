"""The import of products from CSV: rows are read and checked one by one, and stored in batches."""
