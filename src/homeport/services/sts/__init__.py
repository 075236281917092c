"""
STS: who is calling.

Resources: none of its own; principals come from the key that signed the request.
Effects: none.  Roles are assumed here once IAM has any.
"""
