"""
The agent of one machine: it runs the tasks and interfaces that the server assigned to it.

It knows desired state (`assignment`), makes it real (`tasks`, `interfaces`), answers what containers
ask (`endpoints`), ships their output (`logs`) and reports what it sees (`session`).  It holds no
policy and does not know AWS's API.  Start-up and recovery are the same code: look at what exists,
compare with what was desired, act.
"""
