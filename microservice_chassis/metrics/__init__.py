"""The metrics: what the workers have counted, handed to Prometheus as the sum of all of them."""
