"""Settings of HIDA's networks as its paper has them, narrow."""

from sketchface_models.networks.hida.settings import NetworkSettings

PAPER = NetworkSettings(
    width=4,
    modulation="dyspade",
    activation="infoacon",
    dog="top2",
    meta_acon="pixel",
    encoder_order="conv-acon-norm",
    appearance="map",
    gamma="plain",
    residual="before",
    pyramid="gaussian",
    dropout=0.5,
)
