"""
Access logs of application load balancers: what was asked for, on its way from proxies to the server.

`entry` makes a line of what a proxy says of a request, `spool` keeps lines on the disk, a file an address and a period, and
`shipper` sends what is finished until the server has it.

All of it is best effort, as on AWS: there are limits, and what is over them is counted and dropped.
"""
