from collections import Counter
from itertools import combinations

from pipeline.landmarks.mesh_topology import face_triangles


def test_face_triangles_close_the_canonical_mesh():
    triangles = face_triangles()
    assert triangles.shape == (898, 3)  # as many as MediaPipe's canonical face model has
    assert set(triangles.ravel()) == set(range(468))
    edges = Counter(
        tuple(sorted(map(int, e))) for triangle in triangles for e in combinations(triangle, 2)
    )
    rim = [edge for edge, count in edges.items() if count == 1]
    assert max(edges.values()) == 2
    assert len(rim) == 36  # the oval alone is open
    assert 468 - len(edges) + len(triangles) == 1  # Euler: a disc
