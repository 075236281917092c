"""What follows later: nodes are told of load balancers, groups and targets."""
