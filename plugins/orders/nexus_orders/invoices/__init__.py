"""What an invoice says (`document`), and how it looks (`pdf`)."""
