"""What the table says of a saved state: how a file is read, what is assumed, and the answer."""
