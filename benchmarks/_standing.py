"""Summary of the results of the accuracy benchmark: tables, and the goals of the project.

The gain of a method is its score minus the score of the constant prediction on the same split.
It is divided by the mean gain of the best method on the data set, so that the best method has
the scaled gain 1 and the constant prediction 0. If even the best method gains less than
`LEAST_GAIN`, the gains are not scaled, because the quotients would be noise. Two methods are
compared on the splits for which both have results.

"written" is skneural as a user would write it: fitted on the unprepared table if there are
categories or missing values, and on the prepared data otherwise.
"""

from functools import cached_property

import pandas as pd

TITLES = {
    "linear": "linear model",
    "boosting": "HistGradientBoosting",
    "sklearn": "scikit-learn's MLP",
    "ours": "skneural",
    "eight": "eight of skneural",
    "realmlp": "RealMLP",
}
AS_THEY_ARE = {
    "ours": "skneural, prepared",
    "table": "skneural, table",
    "boosting": "HistGradientBoosting, prepared",
    "boosting_table": "HistGradientBoosting, table",
}
SMALL = 2_000
LEAST_GAIN = 0.01
EQUAL = 1e-6  # two computations of the same network differ by rounding errors


def markdown(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def cell(value, digits=3):
    return "" if value is None or pd.isna(value) else f"{value:.{digits}f}"


def mean_over_splits(gains):
    """Return the mean gain of each method on a data set, corrected for missing splits.

    A method without results for some splits is compared, on the splits that it has, with the
    median of the methods that have all splits.
    """
    complete = gains.drop(columns="constant").dropna(axis=1)
    of_split = complete.median(axis=1).fillna(0)
    return gains.sub(of_split, axis=0).mean() + of_split.mean()


def score_cell(score, scaled):
    """Format a score, with the scaled score in parentheses if there is one."""
    return f"{cell(score)} ({cell(scaled, 2)})" if pd.notna(scaled) else cell(score)


def some(names):
    return f"{len(names)}" + (f" ({', '.join(names)})" if len(names) else "")


class Standing:
    """Tables and goals for a list of records, which are dicts from the file of results."""

    def __init__(self, records):
        frame = pd.DataFrame(list(records))
        self.tables = frame.groupby("data_set")[["task", "n_rows", "n_features"]].max()
        self.tables = self.tables.sort_values(["task", "n_rows"], key=self._order)
        self.frame = frame
        self.methods = [name for name in TITLES if name in set(frame["method"])]

    @staticmethod
    def _order(column):
        tasks = {"regression": 0, "binary": 1, "multiclass": 2}
        return column.map(tasks) if column.name == "task" else column

    def of_splits(self, column):
        """Return a column of the records, with one row per split and one column per method."""
        return self.frame.pivot_table(column, ["data_set", "split"], "method", dropna=False)

    def of_tables(self, column):
        """Return the means over the splits, with one row per data set."""
        means = self.of_splits(column).groupby("data_set").mean()
        return means.reindex(self.tables.index)

    @cached_property
    def gains(self):
        """Scaled gains, with one row per split."""
        scores = self.of_splits("score")
        gains = scores.sub(scores["constant"], axis=0)
        best = gains.groupby("data_set").apply(mean_over_splits).max(axis=1)
        best = best.where(best >= LEAST_GAIN)
        return gains.div(best, axis=0, level="data_set")

    @cached_property
    def scaled(self):
        """Scaled scores, with one row per data set."""
        means = self.gains.groupby("data_set").apply(mean_over_splits)
        return means.reindex(self.tables.index)

    def difference(self, ours, theirs, values=None):
        """Return the mean and standard error of the paired differences for each data set.

        `values` has one row per split. By default these are the scaled gains.
        """
        values = self.gains if values is None else values
        tables = values["table"] if "table" in values else values["ours"]
        values = values.assign(written=tables.fillna(values["ours"]))
        paired = (values[ours] - values[theirs]).dropna().groupby("data_set")
        return pd.DataFrame({"mean": paired.mean(), "error": paired.sem()})

    def ratio(self, ours, theirs):
        """Return the ratio of the total CPU seconds, and the median ratio over data sets.

        Only splits for which both methods have results are used.
        """
        seconds = self.of_splits("seconds")[[ours, theirs]].dropna()
        each = seconds.groupby("data_set").sum()
        return seconds[ours].sum() / seconds[theirs].sum(), (each[ours] / each[theirs]).median()

    # The goals. Each is a tuple of the goal, the measured value, and whether it is reached.

    def against_sklearn(self):
        gap = self.difference("written", "sklearn")
        below = gap.index[gap["mean"] < 0]
        far = gap.index[gap["mean"] < -2 * gap["error"]]
        yield (
            "data sets with a lower score than scikit-learn's MLP: at most 2",
            some(below),
            len(below) <= 2,
        )
        yield "of these, lower by more than two standard errors: none", some(far), len(far) == 0

    def against_linear(self):
        gap = self.difference("written", "linear", self.of_splits("score"))["mean"]
        gap = gap[self.tables.loc[gap.index, "task"] == "regression"]
        below = gap.index[gap < -0.02]
        lowest = f"{some(below)}; lowest {gap.min():+.3f} ({gap.idxmin()})"
        yield (
            "regressions with R² below the linear model by more than 0.02: none",
            lowest,
            len(below) == 0,
        )

    def against_boosting(self):
        gap = self.difference("written", "boosting")["mean"]
        small = gap[self.tables.loc[gap.index, "n_rows"] <= SMALL].mean()
        yield (
            f"skneural minus HistGradientBoosting, up to {SMALL:,} samples: ≥ 0",
            f"{small:+.3f}",
            small >= 0,
        )
        yield (
            "skneural minus HistGradientBoosting, all: ≥ -0.03",
            f"{gap.mean():+.3f}",
            gap.mean() >= -0.03,
        )

    def against_realmlp(self, ours="ours", least=-0.02, most=0.1):
        written = "written" if ours == "ours" else ours
        gap = self.difference(written, "realmlp")["mean"]
        name, goal = TITLES[ours], f"≥ {least}" if least else "≥ 0"
        yield (
            f"{name} minus RealMLP: {goal}",
            f"{gap.mean():+.3f} on {len(gap)}",
            gap.mean() >= least,
        )
        total, median = self.ratio(ours, "realmlp")
        measured = f"{total:.3f} in all, median {median:.3f}"
        yield f"CPU seconds of {name} / RealMLP: ≤ {most}", measured, total <= most

    def warned(self):
        frame = self.frame[self.frame["method"].isin(["ours", "table"])]
        of = frame[frame["warnings"].map(lambda names: "ConvergenceWarning" in names)]
        yield (
            "fits that end with a ConvergenceWarning: none",
            f"{len(of)} of {len(frame)}",
            not len(of),
        )

    def on_tables(self):
        """Yield the goals for unprepared tables."""
        gap = self.difference("table", "ours")["mean"]
        below = gap.index[gap < -EQUAL]
        yield (
            "tables as they are with a lower score than the prepared data: at most 2",
            some(below),
            len(below) <= 2,
        )
        gap = self.difference("table", "boosting_table")["mean"]
        yield (
            "skneural minus HistGradientBoosting, tables as they are: ≥ -0.02",
            f"{gap.mean():+.3f} on {len(gap)}",
            gap.mean() >= -0.02,
        )
        total, median = self.ratio("table", "ours")
        measured = f"{total:.2f} in all, median {median:.2f}"
        yield "CPU seconds, table / prepared data: ≤ 1.5", measured, total <= 1.5

    def conditions(self):
        """Yield all goals for which there are results."""
        if "ours" not in self.methods:
            return
        for peer in ("sklearn", "linear", "boosting", "realmlp"):
            if peer in self.methods:
                yield from getattr(self, f"against_{peer}")()
        if {"eight", "realmlp"} <= {*self.methods}:
            yield from self.against_realmlp("eight", 0, 0.5)
        if {"table", "boosting_table"} <= {*self.frame["method"]}:
            yield from self.on_tables()
        yield from self.warned()

    # The printed tables.

    def titles(self):
        return [TITLES[name] for name in self.methods]

    def scores(self):
        """Return a table of the mean scores, with the scaled scores in parentheses."""
        scores, rows = self.of_tables("score"), []
        for name, table in self.tables.iterrows():
            cells = [
                score_cell(scores.loc[name, m], self.scaled.loc[name, m]) for m in self.methods
            ]
            rows.append(
                [name, table["task"], f"{table['n_rows']:,}", table["n_features"], *cells]
            )
        return markdown(["data set", "task", "rows", "features", *self.titles()], rows)

    def means(self):
        """Return a table of the mean scaled scores for groups of data sets.

        Only data sets with results of all methods are included, so that the means are
        comparable.
        """
        complete = self.scaled[self.methods].dropna()
        tables = self.tables.loc[complete.index]
        groups = {
            task: tables["task"] == task for task in ("regression", "binary", "multiclass")
        }
        groups[f"up to {SMALL:,} rows"] = tables["n_rows"] <= SMALL
        groups[f"more than {SMALL:,} rows"] = tables["n_rows"] > SMALL
        groups["all"] = tables["n_rows"] > 0
        rows = [
            [title, chosen.sum(), *map(cell, complete[chosen].mean())]
            for title, chosen in groups.items()
            if chosen.any()
        ]
        return markdown(["mean of the scaled scores", "data sets", *self.titles()], rows)

    def of_each(self, column, title, digits=3):
        """Return a table of the means of a column for each data set."""
        values = self.of_tables(column)[self.methods].dropna(how="all")
        rows = [
            [name, *(cell(value, digits) for value in row)]
            for name, row in zip(values.index, values.to_numpy(), strict=True)
        ]
        return markdown([title, *self.titles()], rows)

    def tables_as_they_are(self):
        """Return a table of scores and CPU seconds with and without preparation.

        It contains the data sets with categories or missing values.
        """
        methods = [name for name in AS_THEY_ARE if name in set(self.frame["method"])]
        scores, seconds = self.of_tables("score"), self.of_tables("seconds")
        names = scores.index[scores["table"].notna()]
        rows = [
            [
                name,
                *(score_cell(scores.loc[name, m], self.scaled.loc[name, m]) for m in methods),
                *(cell(seconds.loc[name, m], 2) for m in ("ours", "table")),
            ]
            for name in names
        ]
        means = self.scaled.loc[names, methods].mean()
        rows.append(["mean of the scaled scores", *map(cell, means), "", ""])
        titles = [AS_THEY_ARE[name] for name in methods]
        seconds = ["CPU seconds, prepared", "CPU seconds, table"]
        return markdown(["tables as they are", *titles, *seconds], rows)

    def verdict(self):
        rows = [
            [asked, found, "yes" if is_so else "no"]
            for asked, found, is_so in self.conditions()
        ]
        return markdown(["goal for skneural", "measured", "reached"], rows)

    def text(self):
        """Return all tables."""
        parts = [self.verdict(), self.means(), self.scores()]
        if self.frame["log_loss"].notna().any():
            parts.append(self.of_each("log_loss", "log-loss"))
        parts.append(self.of_each("seconds", "CPU seconds per fit", 2))
        if "table" in set(self.frame["method"]):
            parts.insert(3, self.tables_as_they_are())
        return "\n\n".join(parts)
