"""
Certificate Manager: certificates that users import, with their private keys.

Load balancers will serve them.  Nothing is issued or renewed here.
"""
