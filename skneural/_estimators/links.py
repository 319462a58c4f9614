"""The links of the regression losses, and the meaning of the parameter `link`."""

from collections.abc import Sequence

import numpy as np

from skneural._estimators.target_scale import TargetScale
from skneural._network.losses.base import Loss
from skneural._network.losses.classification import MultiHead
from skneural._network.losses.links import LinkedLoss, LogitLink, LogLink

# the links of each loss; the first one is that of link="auto"
LINKS: dict[str, tuple[str, ...]] = {
    "squared_error": ("identity", "log", "logit"),
    "absolute_error": ("identity", "log", "logit"),
    "huber": ("identity", "log", "logit"),
    "quantile": ("identity",),
    "poisson": ("log",),
    "gamma": ("log",),
}

Range = tuple[float, float]


def link_of(loss: object, link: str) -> str:
    """Return the link for these parameters; a user-defined loss keeps "auto"."""
    return LINKS[loss][0] if link == "auto" and isinstance(loss, str) else link


def check_link(loss: object, link: str, output_range: object) -> None:
    """Check that the loss supports the link, and that a range is given only if it is needed."""
    # a user-defined loss makes predictions itself
    links = LINKS[loss] if isinstance(loss, str) else ()
    if link not in ("auto", *links):
        allowed = " or ".join(repr(name) for name in ("auto", *links))
        takes_it = ", ".join(repr(name) for name, links in LINKS.items() if link in links)
        raise ValueError(
            f"link must be {allowed} for loss={loss!r}, got {link!r}. The losses with this "
            f"link are {takes_it}."
        )
    if link == "logit" and output_range is None:
        raise ValueError(
            "output_range must be (low, high) for link='logit', got None. Write the bounds of "
            "y, such as output_range=(0, 1)."
        )
    if link != "logit" and output_range is not None:
        raise ValueError(
            f"output_range must be None for link={link!r}, got {output_range!r}. Write "
            "link='logit' for predictions within a range."
        )


def linked(loss: Loss, link: str, ranges: Sequence[Range]) -> Loss:
    """Return a loss of the predictions after a link, or the loss itself if it has this link.

    For the logit link, `ranges` contains the range of the predictions, or one per column.
    """
    if link == "logit":
        heads = [LinkedLoss(loss, LogitLink(*bounds)) for bounds in ranges]
        return heads[0] if len(heads) == 1 else MultiHead(heads, [1] * len(heads))
    if link == "log" and loss.out_activation == "identity":
        return LinkedLoss(loss, LogLink())
    return loss


def ranges_of_network(output_range: Range | None, scale: TargetScale | None) -> list[Range]:
    """Return a range in the units of the network, one for each column of y."""
    if output_range is None:
        return []
    low, high = map(float, output_range)
    if scale is None:
        return [(low, high)]  # the same for all columns
    bounds = ((bound - scale.mean) / scale.scale for bound in (low, high))
    return list(zip(*(bound.tolist() for bound in bounds), strict=True))


def refuse_targets_out_of_range(y: np.ndarray, output_range: Sequence[float]) -> None:
    """Check that all targets are within the range of the predictions of the logit link."""
    with np.errstate(over="ignore"):
        # rounding to float32 may move a target slightly beyond the bound
        rounded = [float(np.float32(bound)) for bound in output_range]
    low, high = min(output_range[0], rounded[0]), max(output_range[1], rounded[1])
    smallest, largest = y.min(), y.max()
    if smallest < low or largest > high:
        wrong = smallest if smallest < low else largest
        raise ValueError(
            f"y must be within output_range={output_range!r}, got {wrong}. Set an "
            "output_range that contains all targets."
        )


def refuse_negative_targets(y: np.ndarray) -> None:
    """Check that no target is negative, because predictions of the log link are positive."""
    if y.min() < 0:
        raise ValueError(
            f"y must be >= 0 for link='log', whose predictions are positive, got {y.min()}. "
            "Write link='identity' for targets of any sign."
        )
