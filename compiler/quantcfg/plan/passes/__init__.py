"""The passes: each takes a plan, reports diagnostics, and returns the plan with its part filled in."""
