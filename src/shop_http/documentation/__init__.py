"""What the shop says of its API: the OpenAPI document, its examples, and the page of all errors."""
