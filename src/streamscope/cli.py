"""The front door: arguments to calls, nothing else."""
