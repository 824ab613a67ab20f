"""A third service, as an exercise: what somebody writes who builds one on the chassis."""
