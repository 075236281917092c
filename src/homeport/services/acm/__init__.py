"""
Certificate Manager: certificates that users import, with their private keys.

Load balancers serve them.  Nothing is issued or renewed here.
"""
