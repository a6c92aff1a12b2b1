"""What the orders do: price, place, move, read."""
