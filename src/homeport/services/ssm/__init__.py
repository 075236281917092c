"""
SSM: the Parameter Store, and no other part of Systems Manager.

Resources: an account's own parameters with their former versions, and AWS's public ones that tell
the ECS-optimised image.  Effects: none outside the store.
"""
