"""The operations of Elastic Load Balancing; importing this package registers them."""

from homeport.services.elbv2.handlers import (
    certificates,
    limits,
    listeners,
    load_balancers,
    places,
    rules,
    tags,
    target_groups,
    targets,
)

__all__ = [
    "certificates",
    "limits",
    "listeners",
    "load_balancers",
    "places",
    "rules",
    "tags",
    "target_groups",
    "targets",
]
