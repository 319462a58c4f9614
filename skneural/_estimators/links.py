"""The links of the losses of regressors: which there are, and what `link` stands for."""

from collections.abc import Sequence

import numpy as np

from skneural._estimators.target_scale import TargetScale
from skneural._network.losses.base import Loss
from skneural._network.losses.classification import MultiHead
from skneural._network.losses.links import LinkedLoss, LogitLink, LogLink

# of each loss; the first is that of link="auto"
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
    """Return the link that the parameters ask for; a loss of the user's keeps "auto"."""
    return LINKS[loss][0] if link == "auto" and isinstance(loss, str) else link


def check_link(loss: object, link: str, output_range: object) -> None:
    """Refuse a link that the loss does not have, and a range without the link that needs it."""
    links = (
        LINKS[loss] if isinstance(loss, str) else ()
    )  # those of the user's predict themselves
    if link not in ("auto", *links):
        allowed = " or ".join(repr(name) for name in ("auto", *links))
        takes_it = ", ".join(repr(name) for name, links in LINKS.items() if link in links)
        raise ValueError(
            f"link must be {allowed} for loss={loss!r}, got {link!r}. Losses with this link "
            f"are {takes_it}."
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
    """Return a loss of predictions that a link makes; the loss itself if it has this link.

    For the logit link `ranges` has the range of the predictions, or one for each column.
    """
    if link == "logit":
        heads = [LinkedLoss(loss, LogitLink(*bounds)) for bounds in ranges]
        return heads[0] if len(heads) == 1 else MultiHead(heads, [1] * len(heads))
    if link == "log" and loss.out_activation == "identity":
        return LinkedLoss(loss, LogLink())
    return loss


def ranges_of_network(output_range: Range | None, scale: TargetScale | None) -> list[Range]:
    """Return a range in the units that the network is trained in, one for each column of y."""
    if output_range is None:
        return []
    low, high = map(float, output_range)
    if scale is None:
        return [(low, high)]  # for all columns
    bounds = ((bound - scale.mean) / scale.scale for bound in (low, high))
    return list(zip(*(bound.tolist() for bound in bounds), strict=True))


def refuse_targets_out_of_range(y: np.ndarray, output_range: Sequence[float]) -> None:
    """Refuse targets that the predictions of the logit link cannot come near to."""
    with np.errstate(over="ignore"):
        # a bound in float32 may be a little outside of what Python takes it for
        rounded = [float(np.float32(bound)) for bound in output_range]
    low, high = min(output_range[0], rounded[0]), max(output_range[1], rounded[1])
    smallest, largest = y.min(), y.max()
    if smallest < low or largest > high:
        wrong = smallest if smallest < low else largest
        raise ValueError(
            f"y must be within output_range={output_range!r}, got {wrong}. Write an "
            "output_range that all targets lie in."
        )


def refuse_negative_targets(y: np.ndarray) -> None:
    """Refuse targets that the predictions of the log link cannot come near to."""
    if y.min() < 0:
        raise ValueError(
            f"y must be >= 0 for link='log', whose predictions are positive, got {y.min()}. "
            "Write link='identity' for targets of any sign."
        )
