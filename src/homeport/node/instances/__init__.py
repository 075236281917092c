"""
EC2 instances on this node: a namespace with interfaces, a control group, a disk, and one system container.

The system container runs the instance's user data at its first boot and then waits for its end.  Tasks that are
placed on the instance are the business of `tasks`; they find their instance through `roster`.
"""
