"""What a node is about to give up is kept whole first, and can be got back."""
