"""The built-in faces: parametric, with exact ground truth, so that nothing must be downloaded.

    from synthetic_faces import render
    face = render(seed=0, id=17, size=256)
    face.photo, face.landmarks, face.visible, face.labels, face.depth, face.normals
    face.sketch(2), face.rough_lines(), face.parameters

The steps from parameters to pictures, a folder or file each:

    face_parameters.py  every parameter with its range and unit (a moustache is `hair.moustache`)
    ranges.py           checks, changes and lists parameters by dotted name
    randomness.py       random streams by (seed, id, purpose), and noise textures
    people/             samples parameters: identity, expression, clothes, pose, light
    geometry/           meshes and the labels of what they show, camera, z-buffer, curves
    figure/             surfaces of a face: head, hair, ears, neck, hats, glasses, necklaces
    scene.py            puts the surfaces together and rasterises them
    looks/              colours what is seen: skin, whiskers, features, hair, cloth, light, camera
    drawing/            pencil sketches in three styles, and rough lines
    ground_truth.py     exact landmarks, label map and depth
    rendering.py        all of these for one face
    doodles/            doodles as players of "Quick, Draw!" make them
    edits/              pairs of drawings that differ in one region

A property of the face's surface, such as a moustache, is declared in `face_parameters.py`, sampled
in `people/sampling.py` (`_whiskers`), painted in `looks/whiskers.py` and drawn in
`drawing/feature_strokes.py` (`_whiskers`). The lines that an edit adds to a landmark contour
(moustache, whiskers, hair, wrinkles, ears, graffiti) are in `edits/extras.py`.
"""

from synthetic_faces.rendering import STYLES, Rendering, render, render_parameters

__all__ = ["STYLES", "Rendering", "render", "render_parameters"]
