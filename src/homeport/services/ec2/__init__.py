"""
Elastic Compute Cloud, the VPC part: networks, subnets, security groups, routes and network interfaces.

Handlers only record what shall be.  `store` lends addresses to interfaces; `projection` says the
network in the wire's words; `reconcilers.network` keeps every node's share of it equal to the
database.  The packets are the business of `homeport.network`.
"""
