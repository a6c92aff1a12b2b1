"""The Chapa payment gateway for nexus-payments."""
