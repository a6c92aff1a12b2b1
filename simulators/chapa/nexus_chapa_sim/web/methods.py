"""Payment methods that the checkout page offers."""

METHODS = {
    "telebirr": "telebirr",
    "cbebirr": "CBE Birr",
    "mpesa": "M-Pesa",
    "awashbirr": "Awash Birr",
    "ebirr": "Coopay-Ebirr",
}
"""The name that webhooks carry, and what customers read."""
