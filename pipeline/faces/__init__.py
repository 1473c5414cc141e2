"""Face geometry: alignment, landmarks, contours, mesh depth, parsing palette."""
