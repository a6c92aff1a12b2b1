"""What goes in and out of `/api/payments/`."""
