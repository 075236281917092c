"""
`homeport explain`: why things are as they are, from what the public API says.

`instances` turns the API's answers into what placement decides on, `placing` says what it would decide, `tasks`
says why a task is where it is, `services` what a service waits for, `balancers` what a load balancer answers with.  These
are pure; `commands` asks and prints.
"""
