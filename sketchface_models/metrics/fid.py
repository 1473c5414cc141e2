"""FID (Heusel et al. 2017) and KID (Binkowski et al. 2018), over the features of Inception-v3."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sketchface_models.metrics.inception_features import SIDE, InceptionFeatures
from sketchface_models.metrics.kernel import kernel_distance
from sketchface_models.metrics.metric import Extractor, Features, SetMetric, weights_hash
from sketchface_models.metrics.sets import RESAMPLED, frechet, resampled_frechet, resampled_kernel
from sketchface_models.pretrained.published import INCEPTION

FEATURES = 2048
"""Numbers in a picture's vector."""
FID_RESAMPLES = 20
"""A Fréchet distance over so many numbers takes a second: its error is estimated from fewer."""
KID_SUBSETS, KID_SIZE = 100, 1000
"""Subsets that the KID averages over, and pictures of each set in them."""


def _load(device: torch.device) -> Callable[[Tensor], Tensor]:
    network = InceptionFeatures().to(device)
    return lambda pictures: network(pictures.to(device).float() / 127.5 - 1)


INCEPTION_FEATURES = Extractor(
    "inception",
    _load,
    lambda: {INCEPTION.name: weights_hash(INCEPTION)},
    {"revision": 1, "features": "pool", "side": SIDE, "resize": "bilinear, no antialiasing"},
    (INCEPTION,),
)


def resampled_fid(features: Features, reference: Tensor, resamples: Tensor) -> dict[str, Tensor]:
    """Return the FID of every method for the first `FID_RESAMPLES` resamples."""
    return resampled_frechet(features, reference, resamples[:FID_RESAMPLES])


def kid(features: Tensor, reference: Tensor) -> float:
    """Return the KID of two sets of vectors, (M, D) and (N, D), averaged over subsets."""
    return kernel_distance(features, reference, KID_SUBSETS, KID_SIZE).mean


FID = SetMetric(
    INCEPTION_FEATURES,
    frechet,
    resampled_fid,
    "FID",
    explanation="how far the generated pictures, as a set, lie from the targets, as a set, in the "
    "features of Inception-v3; 0 is the same set",
    # Fewer vectors do not fill a covariance.
    least=FEATURES + 1,
    parameters=RESAMPLED | {"resamples": FID_RESAMPLES},
)
KID = SetMetric(
    INCEPTION_FEATURES,
    kid,
    resampled_kernel,
    "KID",
    explanation="FID's comparison by a kernel's distance, which small sets do not distort",
    least=6,
    parameters=RESAMPLED | {"subsets": KID_SUBSETS, "size": KID_SIZE},
)
