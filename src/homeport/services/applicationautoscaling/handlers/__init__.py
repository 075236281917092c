"""The operations of Application Auto Scaling, one module per resource; importing this package registers them all."""

from homeport.services.applicationautoscaling.handlers import activities, policies, scheduled_actions, tags, targets

__all__ = ["activities", "policies", "scheduled_actions", "tags", "targets"]
