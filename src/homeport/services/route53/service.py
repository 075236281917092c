"""The registry that the handlers of Route 53 attach to, and whom they wake."""

from homeport.aws.operation import Service

route53 = Service("route53")

#: The reconciler that tells nodes what has changed.
NAMES = "route53.names"
