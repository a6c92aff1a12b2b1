"""Messages to the merchant: webhooks and callbacks, their signatures, their repetition."""
