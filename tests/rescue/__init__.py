"""What is given up is kept whole before, and can be got back."""
