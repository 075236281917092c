"""
Cloud Map (AWS's name of its API: servicediscovery): services found by name.

Resources: namespaces, services in them, instances of these, and a record of each operation.  AWS does its
operations later; here all is done when the request is answered, and the operation says SUCCESS.
"""
