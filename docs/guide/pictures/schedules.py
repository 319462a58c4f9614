"""The factors of every schedule over 50 epochs."""

import matplotlib.pyplot as plt

from skneural.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InvScaling,
    Linear,
    Step,
)

EPOCHS = 50
SCHEDULES = {
    "constant": Constant(),
    "invscaling": InvScaling(),
    "step": Step(),
    "exponential": Exponential(),
    "linear": Linear(),
    "cosine": Cosine(),
    "cosine_restarts": CosineRestarts(),
    "Cosine(warmup=5)": Cosine(warmup=5),
}
figure, panels = plt.subplots(4, 2, figsize=(4.8, 6.4), sharex=True, sharey=True)
for ax, (name, schedule) in zip(panels.flat, SCHEDULES.items(), strict=True):
    factors = [schedule(epoch, max_iter=EPOCHS) for epoch in range(EPOCHS)]
    ax.plot(range(1, EPOCHS + 1), factors, ".-", markersize=3)
    ax.set_title(name)
    ax.set_ylim(0, 1.08)
figure.supxlabel("epoch")
figure.supylabel("learning_rate is multiplied by")
