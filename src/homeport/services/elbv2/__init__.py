"""
Elastic Load Balancing, version 2: load balancers with their listeners and rules, target groups and their targets.

What load balancers do with packets happens on nodes; this package says what they shall do and keeps what they report of
themselves and of their targets.  A load balancer's interfaces are EC2's, held in its name.
"""
