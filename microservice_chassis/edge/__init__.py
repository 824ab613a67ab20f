"""What stands in front of Falcon: plain ASGI layers, each about one noun."""
