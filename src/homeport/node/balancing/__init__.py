"""
Load balancers on the node: one HAProxy each, in a network namespace of its own.

`config` says what HAProxy shall do, `process` finds, starts and ends it, `admin` speaks to its socket; `sync` decides how the
targets that it has become those that are wanted, `observe` what is told of them, `recorder` hears of requests where they are
logged.  `runner` brings these together for one load balancer and `roster` for all.
"""
