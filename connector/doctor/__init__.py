"""`connector doctor`: what is wrong around this node, with a fix beside each.

`surroundings` reads the world, `findings/` judges what was read and reads nothing, `report` tells.
"""
