"""MongoDB: one data access object for each collection, and what it stands on."""
