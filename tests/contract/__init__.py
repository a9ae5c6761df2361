"""The contract with Zoho: the OpenAPI files of the fact sheets and their checks."""
