"""
Which container instance a task goes to, and why not to another.  Pure: nothing here reads or writes.

`query` reads constraints, `resources` counts what tasks need and instances have left, `filters` says
which instances will not do, `strategies` chooses among the rest, and `plan` places tasks one by one.
"""
