"""The registry that the handlers of Elastic Load Balancing attach to."""

from homeport.aws.operation import Service

elbv2 = Service("elbv2")

#: The reconciler that tells nodes of load balancers, groups and targets; woken whenever one of them has changed.
BALANCING = "elbv2.balancing"
#: Woken when nodes have reported of targets or load balancers; services that wait for targets listen to it.
TARGETS = "elbv2.targets"
#: The reconciler that puts access logs into buckets; woken when nodes have sent some.
ACCESS_LOGS = "elbv2.access-logs"
