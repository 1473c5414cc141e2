"""The built-in faces: parametric, with exact ground truth, so that nothing must be downloaded.

    from synthetic_faces import render
    face = render(seed=0, id=17, size=256)
    face.photo, face.landmarks, face.visible, face.labels, face.depth, face.normals
    face.sketch(2), face.parameters

The steps from parameters to pictures, a folder or file each:

    parameters.py    every parameter with its range and unit (a moustache is `hair.moustache`)
    ranges.py        checks, changes and lists parameters by dotted name
    randomness.py    random streams by (seed, id, purpose), and noise textures
    people/          samples parameters: identity, expression, clothes, pose, light
    geometry/        camera, meshes, z-buffer, curves; knows nothing of faces
    figure/          surfaces of a face: head, hair, ears, neck, hats, glasses, necklaces
    scene.py         puts the surfaces together and rasterises them
    looks/           colours what is seen: skin, whiskers, features, hair, cloth, light, camera
    drawing/         pencil sketches in three styles, and rough lines
    ground_truth.py  exact landmarks, label map and depth
    rendering.py     all of these for one face
    doodles/         doodles as players of "Quick, Draw!" make them
    edits/           pairs of drawings that differ in one region

What lies on the face passes through `parameters`, `people` (how often), `looks` (in the photo) and
`drawing` (in sketches): for a moustache `people/sampling.py`, `looks/whiskers.py` and
`drawing/feature_strokes.py`, each in a function named after whiskers.
"""

from synthetic_faces.rendering import STYLES, Rendering, render, render_parameters

__all__ = ["STYLES", "Rendering", "render", "render_parameters"]
