"""A person's recovery: the same looking and acting as a pass, with a person's word for it."""
