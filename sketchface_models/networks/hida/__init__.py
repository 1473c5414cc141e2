"""The networks of HIDA (Gao et al., "Human-Inspired Facial Sketch Synthesis", ICCV 2023)."""
