"""
Own the kernel's network state: a router namespace per VPC, a veth pair per interface, security
groups in nftables, 1:1 NAT in a gateway namespace.

Callers hand over the whole desired configuration (desired.py) and ask for it to be made so; it may
be handed over twice, after a crash, in any order.  Nothing outside this package touches netlink.
"""
