"""
Route 53: hosted zones, the record sets in them, and what became of changes.

The service is one for all regions.  Effects outside the store: every node is told of every zone and record set
(`reconcilers.names`) and answers them over DNS, private zones in the VPCs that are associated.
"""
