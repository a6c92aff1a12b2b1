"""The gateway's own behaviour, free of HTTP: transactions, their states, time and storage."""
