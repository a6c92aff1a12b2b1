"""The import of products from CSV and JSON Lines.

`files` opens, `records` splits, `rows` checks, `products` gathers rows into products, `plan` compares a batch
with what is stored, `apply` stores it, `batches` does both in one transaction, `images` fetches, `run` is the
command.
"""
