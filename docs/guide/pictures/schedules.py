"""The factors of every schedule over 50 epochs."""

import matplotlib.pyplot as plt

from skneural import schedules

EPOCHS = 50
SCHEDULES = {
    name: schedule()
    for name, schedule in schedules.SCHEDULES.items()
    if name != "adaptive"  # it looks at the loss
}
SCHEDULES["Cosine(warmup=5)"] = schedules.Cosine(warmup=5)
figure, panels = plt.subplots(4, 2, figsize=(4.8, 6.4), sharex=True, sharey=True)
for ax, (name, schedule) in zip(panels.flat, SCHEDULES.items(), strict=True):
    factors = [schedule(epoch, max_iter=EPOCHS) for epoch in range(EPOCHS)]
    ax.plot(range(1, EPOCHS + 1), factors, ".-", markersize=3)
    ax.set_title(name)
    ax.set_ylim(0, 1.08)
figure.supxlabel("epoch")
figure.supylabel("learning_rate is multiplied by")
