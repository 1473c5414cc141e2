"""The built-in faces: parametric, with exact ground truth, so that nothing must be downloaded.

    from synthetic_faces import render
    face = render(seed=0, id=17, size=256)
    face.photo, face.landmarks, face.visible, face.labels, face.depth, face.normals
    face.sketch(2), face.parameters

`parameters` says what a face is made of, `ranges` what is allowed; `people` draws them at random.
`figure` makes surfaces of them, `geometry` projects and rasterises these, `scene` puts them
together. `looks` makes the photo of what is seen, `drawing` the sketches, `landmarks` and
`rendering` the exact truth. `doodles` and `edits` stand on their own.
"""

from synthetic_faces.rendering import STYLES, Rendering, render, render_parameters

__all__ = ["STYLES", "Rendering", "render", "render_parameters"]
