"""The API document (OpenAPI 3.1): made from the models, the queries and the resources."""
