"""The registry that the handlers of ECS attach to."""

from homeport.aws.operation import Service

ecs = Service("ecs")
