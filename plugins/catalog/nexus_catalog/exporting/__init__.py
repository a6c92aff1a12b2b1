"""The export of products, in the columns that the import reads: `rows` reads, `formats` writes."""
