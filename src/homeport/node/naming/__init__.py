"""
The names that this node answers for: zones as the server declares them, looked up without I/O.

`zones` keeps them and finds what a zone has at a name; `routing` chooses among alternatives; `resolving` turns a question
into the sections of an answer.  Nothing here knows of sockets: see `homeport.node.endpoints.dns`.
"""
