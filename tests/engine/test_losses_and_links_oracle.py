"""Losses and links of both engines, compared with numbers of PyTorch."""

import json
from pathlib import Path

import numpy as np
import pytest
from test_engine_oracle import ENGINES, loss_of_logits

from skneural._network.losses.links import LinkedLoss, LogitLink, LogLink
from skneural._network.losses.quantiles import QuantilesLoss
from skneural._network.losses.regression import (
    AbsoluteError,
    HalfGamma,
    HalfSquaredError,
    HuberLoss,
)

DATA = Path(__file__).parents[1] / "data" / "losses_and_links.json"
ORACLE = json.loads(DATA.read_text())
OF_PREDICTIONS = {
    "squared": HalfSquaredError(),
    "absolute": AbsoluteError(),
    "huber": HuberLoss(0.7),
}
LINKS = {"log": LogLink(), "logit": LogitLink(), "logit_-1_3": LogitLink(-1, 3)}
LOSSES = {"gamma": HalfGamma(), "quantiles": QuantilesLoss([0.1, 0.5, 0.9])} | {
    f"{name}_{link}": LinkedLoss(OF_PREDICTIONS[name], LINKS[link])
    for name in OF_PREDICTIONS
    for link in LINKS
}


@ENGINES
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ORACLE["cases"])
def test_loss_and_gradient(engine, name, weighted):
    case, z = ORACLE["cases"][name], np.array(ORACLE["z"])
    weight = np.array(ORACLE["sample_weight"]) if weighted else None
    mean = "weighted_mean" if weighted else "mean"
    value, gradient = loss_of_logits(engine, LOSSES[name], z, np.array(case["target"]), weight)
    np.testing.assert_allclose(value, case[mean], rtol=1e-10)
    np.testing.assert_allclose(gradient, case[f"grad_z_of_{mean}"], rtol=1e-10)
