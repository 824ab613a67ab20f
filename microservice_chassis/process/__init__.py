"""The processes of a service: how they start, are supervised, and end."""
