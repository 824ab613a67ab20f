"""What any EventPost service needs and that is about neither events nor notifications.

The chassis imports no service; see docs/index.md#architecture for the layers.
"""

from __future__ import annotations

# That of the project, in pyproject.toml.
__version__ = "1.1.0.dev0"
