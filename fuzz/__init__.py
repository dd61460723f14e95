"""Readers held against inputs that nobody would write: by a fuzzer, and by seeded mutations."""
