"""Benchmarks: ratios of quantcfg to what people would use instead."""
