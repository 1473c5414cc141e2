"""The figure as surfaces: head, hair, and what is worn."""
