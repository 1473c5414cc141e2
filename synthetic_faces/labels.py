"""CelebAMask-HQ's 19 classes, as far as they occur here; `L_` and `R_` are the subject's sides."""

BACKGROUND, SKIN, NOSE, GLASSES, L_EYE, R_EYE, L_BROW, R_BROW, L_EAR, R_EAR = range(10)
MOUTH, UPPER_LIP, LOWER_LIP, HAIR, HAT, EARRING, NECKLACE, NECK, CLOTH = range(10, 19)
