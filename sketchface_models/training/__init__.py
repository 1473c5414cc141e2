"""The engine: feeds a system, steps it, keeps it resumable, and writes what it learned."""
