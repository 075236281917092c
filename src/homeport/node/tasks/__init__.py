"""
The life of tasks on a node.

`model` holds the states, `advance` what an event makes of them, `plan` what to do next: all pure.
`runner` does it for one task, `roster` holds the runners of all.  `container` turns what was
declared into what a runtime starts, `files` writes what a container finds in /etc, `networks` makes a task's
network in its mode.  `ports` and `claims` choose host ports and addresses on instances; `hosts` says what tasks
need to know of those.
"""
