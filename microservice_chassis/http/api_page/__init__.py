"""The API page: the API document in a browser, to be read and tried (Swagger UI)."""
