"""
Elastic Load Balancing, version 2: target groups, and the targets registered with them.

What the load balancers do with packets happens on nodes; this package says what they shall do and keeps what they
report of their targets.
"""
