"""The built-in faces: parametric, with exact ground truth, so that nothing must be downloaded."""
