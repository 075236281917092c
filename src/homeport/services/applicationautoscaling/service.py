"""The registry that the handlers of Application Auto Scaling attach to."""

from homeport.aws.operation import Service

autoscaling = Service("application-autoscaling")
