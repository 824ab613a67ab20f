"""The events service: publish, change and discover events."""
