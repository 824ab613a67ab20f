"""unit/ needs nothing, integration/ a real mongod, e2e/ the real process trees over HTTP."""
