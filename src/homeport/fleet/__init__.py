"""
The nodes, seen from the server: what each shall have, and the sessions that tell it.

Services write assignments in the transaction that decides them; a session only reads the rows that
are newer than what it has sent.  So nothing is lost when either side dies in between.
"""
