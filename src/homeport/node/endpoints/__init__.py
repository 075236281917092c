"""
What a task can ask inside its VPC: metadata and credentials, names, and the API itself.

All of it listens in the VPC's router, never in the task's own namespace, where it would take the
task's ports.  Who asks is known by the source address, which the network's anti-spoofing rules make
true.  `routers` opens and closes the listeners; the rest knows no sockets' places.
"""
