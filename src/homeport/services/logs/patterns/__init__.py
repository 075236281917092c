"""
CloudWatch's filter patterns: which events a search wants.

Three forms, told apart by their first character: terms (`ERROR -"not found" ?x %regex%`), conditions on
JSON (`{ $.status >= 500 && $.path = "/api*" }`) and on space-delimited fields (`[ip, ..., status = 5*]`).
"""

from homeport.services.logs.patterns.grammar import Pattern, parse_pattern
from homeport.services.logs.patterns.values import BadPattern

__all__ = ["BadPattern", "Pattern", "parse_pattern"]
