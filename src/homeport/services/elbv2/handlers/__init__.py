"""The operations of Elastic Load Balancing; importing this package registers them."""

from homeport.services.elbv2.handlers import tags, target_groups, targets

__all__ = ["tags", "target_groups", "targets"]
