"""The coupons that staff keep, what they take off, and what was taken of them."""
