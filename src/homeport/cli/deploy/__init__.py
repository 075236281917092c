"""
Services and their deployments as the command line shows them.

`reading` asks the public API, `seen` turns its answers into what the server's own planner decides on, so that what is
said of a service is what is done with it; `table` draws, `commands` watches.  `homeport explain service` uses the
first two.
"""
