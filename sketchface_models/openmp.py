"""How OpenMP's threads wait for work. OpenMP reads it when torch is imported: call it before."""

from __future__ import annotations

import os

POLICY, SPINS = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"
SPIN_COUNT = 300_000
"""Looks for work before a thread sleeps, about 3 ms: what GNU's OpenMP does by default."""


def keep_threads_awake() -> None:
    """Let threads that wait for their next piece of work look for it longer before they sleep.

    On two cores two threads were slower than one for small networks, and with an active policy they
    are not (docs/results/benchmarks.md, Waiting threads): waking a thread seems to take longer than
    a small convolution. How long they look is bounded. Does nothing where the environment says how
    to wait.
    """
    if POLICY not in os.environ and SPINS not in os.environ:
        os.environ[POLICY], os.environ[SPINS] = "ACTIVE", str(SPIN_COUNT)
