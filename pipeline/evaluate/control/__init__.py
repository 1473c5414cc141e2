"""How a system that makes photos answers changed drawings, and of what texture its photos are.

locality           how far an edit in one place of a drawing reaches in the photo
feature_spread     what its first layers make of an eye corner that an edit leaves alone
landmark_fidelity  whether the photos show a face, its landmarks where the contour has them
texture            gradients in the mouth and noise on the forehead, beside the true photo's
tolerance          scores of photos whose contour was shifted or rotated
measured           which of these a run can be asked, and all of them as lines of scores
"""
