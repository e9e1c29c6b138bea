"""The benchmark: one module for each group of workloads; `measuring` and `ground` are what they stand on."""
