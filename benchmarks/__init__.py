"""spanloom beside langchain-core, measured in one run and told as ratios; run with `python -m benchmarks`.

Absolute times depend on the machine and its neighbours, so no goal is one. Every figure is CPU time of the whole
process, background threads included, and both sides are measured in turn (A B A B), so what slows one slows the other.
spanloom is traced throughout; the reference is not. That spans are really made is asserted after every batch, and the
time until the processor has handed them on counts as spanloom's.
"""
