"""What a notification is, and the collection that keeps notifications."""
