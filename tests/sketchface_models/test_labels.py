"""Labels and their encodings."""

import torch

from sketchface_models.labels import CLASSES, as_field, as_labels, one_hot


def test_every_label_survives_the_way_through_a_batch():
    labels = torch.arange(256).view(1, 16, 16)
    field = as_field(labels)
    assert (field.shape, field.dtype) == ((1, 1, 16, 16), torch.float32)
    assert field.min() == -1
    assert field.max() == 1
    assert torch.equal(as_labels(field), labels)


def test_one_hot_has_a_plane_for_each_class_and_none_for_other_values():
    labels = torch.tensor([[[0, 18], [-1, 19]], [[3, 3], [255, 4]]])
    planes = one_hot(labels)
    assert (planes.shape, planes.dtype) == ((2, len(CLASSES), 2, 2), torch.float32)
    expected = torch.zeros_like(planes)
    for face, label, row, column in [
        *((0, 0, 0, 0), (0, 18, 0, 1)),
        *((1, 3, 0, 0), (1, 3, 0, 1), (1, 4, 1, 1)),
    ]:
        expected[face, label, row, column] = 1
    assert torch.equal(planes, expected)
