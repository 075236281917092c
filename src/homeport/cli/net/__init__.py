"""
`homeport net`: the network as the public API shows it, drawn and explained.

`model` holds what is known, `reading` gets it from the API, `places` finds what a word on the command line
means, `verdict` judges a packet, `layout`, `svg` and `tree` draw.  Only `reading` speaks to anybody.
"""
