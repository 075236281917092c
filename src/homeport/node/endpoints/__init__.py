"""
What a task or an instance can ask: metadata and credentials, names, and the API itself.

What has an interface of its own asks in its VPC's router, never in its own namespace, where a listener would take
its ports.  Who asks is known by the source address, which the network's anti-spoofing rules make true.  Containers on
an instance's bridge or in its namespace ask on the instance.  `everywhere` opens and closes the listeners; the answers
know no sockets' places.
"""
