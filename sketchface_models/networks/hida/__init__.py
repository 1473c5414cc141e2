"""HIDA's networks (Gao et al., "Human-Inspired Facial Sketch Synthesis with Dynamic Adaptation")."""
