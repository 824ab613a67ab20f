"""What the response cache stands on: entries and version stamps, here or in Redis."""
