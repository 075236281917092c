"""The operations of Elastic Load Balancing; importing this package registers them."""

from homeport.services.elbv2.handlers import (
    limits,
    listeners,
    load_balancers,
    places,
    rules,
    tags,
    target_groups,
    targets,
)

__all__ = ["limits", "listeners", "load_balancers", "places", "rules", "tags", "target_groups", "targets"]
