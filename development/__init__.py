"""What the tasks of `./invoke` do that needs more than a line."""
