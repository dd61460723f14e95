"""Test the readers with malformed input: with a fuzzer, and with seeded mutations."""
