"""Bodies of coupons, and their part of a checkout."""
