"""The registry that the handlers of Cloud Map attach to."""

from homeport.aws.operation import Service

servicediscovery = Service("servicediscovery")
