"""
Loops that keep something true.

A reconciler takes no input: a wake says "look", never "this changed", so start-up, recovery and a
lost wake need no other code.  "Nothing to do now" is not "done".
"""
