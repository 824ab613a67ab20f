"""What an event is, and the collection that keeps events."""
