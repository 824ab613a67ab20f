"""What a model says of its members, and the way in for documents from outside."""
