"""Stories on DRBD 9, in the words of vocabulary.py.

Each is played on the simulated cluster, and on a real pair where somebody has built DRBD 9 for the
laboratory's kernel ("DRBD 9" in docs/lab.md).
"""
