import math

import numpy as np
import pytest
import torch
from metric_pictures import DATA, noise, read_pair, sketch
from skimage.feature import graycomatrix
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from sketchface_models.metrics.fsim import _planes, fsim, fsimc
from sketchface_models.metrics.phase_congruency import phase_congruency
from sketchface_models.metrics.registry import METRICS, metric_names
from sketchface_models.metrics.scoot import scoot
from sketchface_models.metrics.simple import l1, psnr
from sketchface_models.metrics.ssim import ssim

HERE = metric_names(3)
"""Metrics that need no weights, which are not here."""
ALL = [METRICS[name].function for name in HERE]


@pytest.mark.parametrize("metric", ALL)
def test_batch_equals_single_pictures(metric):
    ours, theirs = noise(3, 3, 41, 50, seed=1), noise(3, 3, 41, 50, seed=2)
    single = torch.cat([metric(ours[i : i + 1], theirs[i : i + 1]) for i in range(3)])
    assert metric(ours, theirs).shape == (3,)
    torch.testing.assert_close(metric(ours, theirs), single, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_symmetric(metric):
    ours, theirs = read_pair(DATA, "p07_face_rgb_blur1")
    assert metric(ours, theirs).item() == pytest.approx(metric(theirs, ours).item(), rel=1e-12)


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_data_range_is_only_a_unit(metric, dtype):
    ours, theirs = noise(2, 1, 40, 40, seed=1), noise(2, 1, 40, 40, seed=2)
    scaled = metric((ours / 255).to(dtype), (theirs / 255).to(dtype), 1.0)
    torch.testing.assert_close(scaled.double(), metric(ours, theirs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("metric", ALL)
def test_uint8_is_the_same_as_float64(metric):
    ours, theirs = noise(2, 3, 40, 40, seed=1), noise(2, 3, 40, 40, seed=2)
    assert torch.equal(metric(ours.byte(), theirs.byte()), metric(ours, theirs))


@pytest.mark.parametrize(
    "picture", [noise(1, 3, 40, 40), sketch(), torch.full((1, 1, 40, 40), 7.0)]
)
@pytest.mark.parametrize("name", HERE)
def test_identical_pictures(name, picture):
    expected = {"l1": 0.0, "psnr": math.inf}.get(name, 1.0)
    assert METRICS[name].function(picture, picture).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("other", [sketch(), torch.full((1, 1, 64, 64), 255.0).double()])
def test_a_blank_result_scores_a_finite_low_value(metric, other):
    blank = torch.full((1, 1, 64, 64), 128.0).double()
    value = metric(sketch(), blank).item()
    assert math.isfinite(value)
    assert math.isfinite(metric(other, blank).item())
    if METRICS[metric.__name__].direction == "higher":
        nearly = sketch().clamp(max=250)
        assert value < metric(sketch(), nearly).item()


def test_l1_and_psnr_by_hand():
    black, white = torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 255.0)
    assert l1(black, white).item() == 1
    assert psnr(black, white).item() == pytest.approx(0, abs=1e-6)
    one_off = black.clone()
    one_off[..., 0, 0] = 51
    assert l1(black, one_off).item() == pytest.approx(0.05)
    assert psnr(black, one_off).item() == pytest.approx(20 * math.log10(10), rel=1e-6)


def test_psnr_equals_scikit_image():
    ours, theirs = noise(1, 3, 30, 31, seed=1), noise(1, 3, 30, 31, seed=2)
    expected = peak_signal_noise_ratio(ours.numpy(), theirs.numpy(), data_range=255)
    assert psnr(ours, theirs).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shape", [(3, 11, 40), (3, 40, 33), (1, 37, 40)])
def test_ssim_equals_scikit_image(shape):
    ours, theirs = noise(1, *shape, seed=1), noise(1, *shape, seed=2)
    expected = structural_similarity(
        ours[0].numpy(),
        (0.7 * ours + 0.3 * theirs)[0].numpy(),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=0,
    )
    value = ssim(ours, 0.7 * ours + 0.3 * theirs).item()
    assert value == pytest.approx(expected, abs=1e-12)


def scoot_features(grey: np.ndarray) -> list[float]:
    """SCOOT's vector with scikit-image's co-occurrence matrices."""
    features = []
    height, width = grey.shape
    angles = [0, -np.pi / 4, -np.pi / 2, -3 * np.pi / 4]  # rows count down: negative is up
    for row in range(4):
        for column in range(4):
            cell = grey[
                height * row // 4 : height * (row + 1) // 4,
                width * column // 4 : width * (column + 1) // 4,
            ]
            levels = np.minimum(6 * cell.astype(int) // 255, 5).astype(np.uint8)
            counts = graycomatrix(levels, [1], angles, levels=6)[:, :, 0].astype(float)
            mean = np.floor(counts.mean(-1) + 0.5)
            p = mean / mean.sum()
            i, j = np.indices(p.shape)
            features += [(p * (i - j) ** 2).sum(), (p**2).sum()]
    return features


@pytest.mark.parametrize("shape", [(20, 20), (23, 37), (64, 45)])
def test_scoot_equals_a_version_on_scikit_image(shape):
    ours, theirs = noise(1, 1, *shape, seed=1), noise(1, 1, *shape, seed=2)
    ours_features = np.array(scoot_features(ours[0, 0].numpy().astype(np.uint8)))
    theirs_features = np.array(scoot_features(theirs[0, 0].numpy().astype(np.uint8)))
    expected = 1 / (1 + np.linalg.norm(ours_features - theirs_features))
    assert scoot(ours, theirs).item() == pytest.approx(expected, abs=1e-12)


def test_scoot_never_divides_by_an_empty_matrix():
    levels = torch.tensor([0.0, 50, 100, 150, 200, 255]).double()
    index = torch.from_numpy(np.random.default_rng(0).integers(0, 6, (500, 1, 20, 20)))
    pictures = levels[index]
    assert scoot(pictures, pictures.flip(0)).isfinite().all()


def test_scoot_refuses_what_has_no_grey_levels():
    half = torch.full((1, 1, 20, 20), 10.5)
    with pytest.raises(ValueError, match="not whole"):
        scoot(half, half)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_fsim_subsamples_like_a_same_convolution(factor):
    side = 256 * factor - 5
    image = noise(1, 1, side, side + 3)
    planes = _planes(image)[0, 0].numpy()
    plain = image[0, 0].numpy()
    offset = math.ceil((factor + 1) / 2)
    for row, column in [(0, 0), (1, 2), (-1, -1), (0, -1)]:
        top = row % planes.shape[0] * factor + offset - factor
        left = column % planes.shape[1] * factor + offset - factor
        box = plain[max(top, 0) : top + factor, max(left, 0) : left + factor]
        assert planes[row, column] == pytest.approx(box.sum() / factor**2)
    assert planes.shape == (math.ceil(side / factor), math.ceil((side + 3) / factor))


def test_phase_congruency_marks_strokes_whatever_their_contrast():
    image = sketch()
    strong = phase_congruency(image[:, 0])
    faint = phase_congruency(255 - (255 - image[:, 0]) / 5)
    assert strong.max() > 0.5
    # The threshold follows the picture's own noise, so contrast cancels.
    torch.testing.assert_close(faint, strong, atol=0.02, rtol=0.02)
    assert phase_congruency(torch.full((1, 40, 40), 200.0)).eq(0).all()


@pytest.mark.parametrize("metric", [ssim, fsim, fsimc])
def test_gradient_is_the_slope(metric):
    reference = noise(1, 3, 24, 24, seed=1)
    generated = (0.5 * reference + 0.5 * noise(1, 3, 24, 24, seed=2)).requires_grad_()
    metric(reference, generated).sum().backward()
    direction = noise(1, 3, 24, 24, seed=3) - 128
    step = 1e-5
    with torch.no_grad():
        ahead = metric(reference, generated + step * direction)
        behind = metric(reference, generated - step * direction)
    slope = ((ahead - behind) / (2 * step)).item()
    assert slope == pytest.approx((generated.grad * direction).sum().item(), rel=1e-4)


@pytest.mark.parametrize("metric", [ssim, fsim])
@pytest.mark.parametrize("generated", [sketch(), torch.full((1, 1, 64, 64), 255.0).double()])
def test_gradient_is_finite_on_flat_paper(metric, generated):
    generated = generated.clone().requires_grad_()
    metric(sketch(), generated).sum().backward()
    assert generated.grad.isfinite().all()


BAD = {
    "not a tensor": (np.zeros((1, 1, 32, 32)), "expected a tensor"),
    "int64": (torch.zeros(1, 1, 32, 32, dtype=torch.int64), "torch.int64"),
    "three dimensions": (torch.zeros(1, 32, 32), r"expected \(B, C, H, W\)"),
    "two channels": (torch.zeros(1, 2, 32, 32), "C 1 or 3"),
    "empty": (torch.zeros(0, 1, 32, 32), "B >= 1"),
    "NaN": (torch.full((1, 1, 32, 32), torch.nan), "NaN"),
    "infinite": (torch.full((1, 1, 32, 32), torch.inf), "infinite"),
    "negative": (torch.full((1, 1, 32, 32), -1.0), r"expected \[0, 255\]"),
    "too large": (torch.full((1, 1, 32, 32), 256.0), r"expected \[0, 255\]"),
    "fractions": (torch.full((1, 1, 32, 32), 0.5), "data_range=1"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("metric", ALL)
def test_bad_pictures_are_refused_in_one_line(metric, case):
    images, message = BAD[case]
    with pytest.raises(ValueError, match=message) as caught:
        metric(images, images)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(metric.__name__)


@pytest.mark.parametrize("metric", ALL)
def test_pairs_that_do_not_fit_are_refused(metric):
    image = noise(1, 1, 32, 32)
    for other, message in [
        (noise(1, 1, 32, 33), "differ in shape"),
        (noise(2, 1, 32, 32), "differ in shape"),
        (noise(1, 3, 32, 32), "differ in shape"),
        (image.float(), "differ in dtype"),
        (torch.full_like(image, torch.nan), "generated: NaN"),
    ]:
        with pytest.raises(ValueError, match=message):
            metric(image, other)
    with pytest.raises(ValueError, match="data_range"):
        metric(image, image, 0.0)
    with pytest.raises(ValueError, match="uint8"):
        metric(image.byte(), image.byte(), 1.0)


def test_pictures_too_small_are_refused():
    for metric, side in [(ssim, 11), (scoot, 20), (fsim, 11)]:
        small = noise(1, 1, side, side - 1)
        with pytest.raises(ValueError, match=f"at least {side}"):
            metric(small, small)
        assert metric(noise(1, 1, side, side), noise(1, 1, side, side)).isfinite().all()
