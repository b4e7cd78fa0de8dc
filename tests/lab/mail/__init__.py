"""A mail service for the stories, and what shows that no acknowledged message is missing.

`client` sends numbered messages all the time and notes which ones were acknowledged, `service` is
what its notes add up to, `maildir` lists what a node has kept. `loopback` runs the server,
`tests/lab/guest/smtp_server.py`, on this host instead of in a node.
"""
