"""The passes: each takes a plan, reports what it finds, and returns the plan with its part filled in."""
