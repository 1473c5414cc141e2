"""The built-in faces: parametric, with exact ground truth, so that nothing must be downloaded.

    from pipeline.synthetic import render
    face = render(seed=0, id=17, size=256)
    face.photo, face.landmarks, face.labels, face.depth, face.sketch(2), face.parameters

`parameters` says what a face is made of and `sampling` draws it; `anatomy` lays features out in
the face plane; `surface`, `hair` and `body` make a head of it; `scene` poses and rasterises it;
`photo`, `landmarks`, `rendering` and `sketch` turn the same geometry into pictures and truth.
"""

from pipeline.synthetic.rendering import STYLES, Rendering, render

__all__ = ["STYLES", "Rendering", "render"]
