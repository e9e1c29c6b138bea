"""The JSON of requests and responses: where it differs from the core, and nothing secret, nothing null.

`...Form` is what clients send: unknown fields are refused. `...Body` is what they get: what is not there is left
out, so that no field is ever null (generated Swift and Dart clients break on nullable unions). The bounds that
stand here are checked before the core sees a value, and `/openapi.json` shows them; the rules are the core's.

The examples in `documentation/examples` are values of these types: they cannot be wrong.
"""
