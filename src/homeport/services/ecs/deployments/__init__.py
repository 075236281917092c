"""
What a service does next, and why it does not do more.  Pure: nothing here reads, writes or asks the time.

`model` is what a service looks like at one moment and what can be done about it, `health` judges tasks,
`rolling` and `daemon` decide what starts and stops, `choosing` which tasks go first, `rebalancing` when they change
zones, `breaker` and `throttle` when failing tasks are no longer tried, `announcing` and `waiting` what is said of it,
`texts` holds AWS's sentences, and `plan` is all of it together.

Reference: part 4 of the ECS reference.
"""
