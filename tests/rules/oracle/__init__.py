"""A second implementation of the rules language, in plain Python, and random rules to compare.

Written from the page of the language and from nothing of `zdsync.rules`: where both agree, two
readings of the page agree. `evaluate` judges one record at a time; `words`, `folding` and
`business` are its parts; `draw` makes conditions and records; `bench` runs the compiled SQL.
"""
