"""
The life of tasks on a node.

`model` holds the states, `advance` what an event makes of them, `plan` what to do next: all pure.
`runner` does it for one task, `roster` holds the runners of all.  `container` turns what was
declared into what a runtime starts, `files` writes what a container finds in /etc.
"""
