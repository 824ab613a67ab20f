"""What any EventPost service needs and that is about neither events nor notifications.

The chassis imports no service; see docs/index.md#architecture for the layers.
"""
