"""The HTTP resources of the events service."""
