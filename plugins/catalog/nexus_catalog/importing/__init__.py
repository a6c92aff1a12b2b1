"""The import of products from CSV and JSON Lines.

`files` opens, `records` splits, `rows` checks, `products` gathers rows into products, `plan` compares a
batch with what is stored, `variants` says what the variants of a product may be, `locks` takes turns with
other writers, `apply` stores, `batches` does all that in one transaction, `images` fetches, `run` is the
command and `jobs` the worker.
"""
