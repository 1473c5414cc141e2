"""The networks of HIDA (Gao et al. 2023; docs/papers.md, HIDA)."""
