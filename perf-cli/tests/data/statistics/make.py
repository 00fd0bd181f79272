"""Makes the reference values beside this file, from other people's implementations.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make.py

Inputs are random with a fixed seed; the values are what the packages say of them.
"""

import json
import math
from importlib.metadata import version
from pathlib import Path

import numpy as np
import scipy
import statsmodels
from otava.analysis import compute_change_points, compute_change_points_orig
from otava.change_point_divisive.calculator import PairDistanceCalculator
from scipy import stats
from statsmodels.robust.scale import qn_scale

HERE = Path(__file__).parent
RANDOM = np.random.default_rng(20260101)


def write(name, by, cases):
    """One case a line, so that a change shows in a diff."""
    lines = ",\n".join(json.dumps(case) for case in cases)
    text = f'{{"by": {json.dumps(by)}, "cases": [\n{lines}\n]}}\n'
    (HERE / name).write_text(text)


def times(size, shift=0.0, digits=6):
    return [round(float(it), digits) for it in np.exp(RANDOM.normal(math.log(100) + shift, 0.08, size))]


def mann_whitney():
    cases = []
    sizes = [(1, 1), (1, 5), (3, 10), (5, 5), (5, 10), (5, 30), (10, 10), (20, 20), (30, 30), (64, 66), (2, 90)]
    for n, m in sizes:
        for shift in (0.0, 0.1, -0.1):
            x, y = times(n, shift), times(m)
            got = stats.mannwhitneyu(x, y, alternative="greater", method="exact")
            cases.append({"x": x, "y": y, "method": "exact", "u": got.statistic, "p": got.pvalue})
    for n, m in [(2, 2), (3, 4), (4, 3), (5, 5), (2, 9), (9, 2), (6, 7)]:
        for spread in (2, 4):
            # Whole numbers of few values: ties. Every way to share them out is counted.
            x = [float(it) for it in RANDOM.integers(1, 1 + spread, n)]
            y = [float(it) for it in RANDOM.integers(1, 1 + spread, m)]
            got = stats.mannwhitneyu(
                x, y, alternative="greater", method=stats.PermutationMethod(n_resamples=np.inf)
            )
            cases.append({"x": x, "y": y, "method": "ties", "u": got.statistic, "p": got.pvalue})
    for n, m, digits in [(100, 100, 6), (70, 80, 0), (200, 90, 0), (131, 3, 6)]:
        for shift in (0.0, 0.02):
            x, y = times(n, shift, digits), times(m, 0.0, digits)
            got = stats.mannwhitneyu(x, y, alternative="greater", method="asymptotic", use_continuity=True)
            cases.append({"x": x, "y": y, "method": "normal", "u": got.statistic, "p": got.pvalue})
    write("mann-whitney.json", f"scipy.stats.mannwhitneyu, scipy {scipy.__version__}", cases)


def robust():
    cases = []
    for size in (1, 2, 5, 10, 11, 30):
        x = times(size)
        # Without the correction for small samples, which statsmodels does not have.
        scale = float(qn_scale(np.log(x))) if size > 1 else 0.0
        cases.append({"x": x, "median": float(np.median(x)), "qn_of_ln": scale})
    write("robust.json", f"statsmodels.robust.scale.qn_scale, statsmodels {statsmodels.__version__}", cases)


def benjamini_hochberg():
    cases = []
    for size in (1, 2, 5, 20):
        for power in (1, 4):
            ps = [float(it) for it in RANDOM.random(size) ** power]
            cases.append({"p": ps, "adjusted": [float(it) for it in stats.false_discovery_control(ps)]})
    ties = [0.004, 0.004, 0.3, 0.3, 1.0, 0.02, 0.0]
    cases.append({"p": ties, "adjusted": [float(it) for it in stats.false_discovery_control(ties)]})
    write("benjamini-hochberg.json", f"scipy.stats.false_discovery_control, scipy {scipy.__version__}", cases)


def bootstrap():
    cases = []
    for pairs, shift in [(5, 0.0), (5, 0.1), (10, 0.05), (20, 0.0), (20, -0.1)]:
        base, head = times(pairs), times(pairs, shift)
        # The ratios of so few pairs are far apart: ours must lie between the ends of a narrower and
        # of a wider interval.
        ends = {
            confidence: stats.bootstrap(
                (base, head),
                lambda base, head, axis: np.median(head, axis=axis) / np.median(base, axis=axis),
                paired=True,
                confidence_level=confidence,
                n_resamples=100_000,
                batch=10_000,
                method="percentile",
                random_state=7,
            ).confidence_interval
            for confidence in (0.93, 0.97)
        }
        low = [float(ends[confidence].low) for confidence in (0.97, 0.93)]
        high = [float(ends[confidence].high) for confidence in (0.93, 0.97)]
        cases.append({"base": base, "head": head, "low": low, "high": high})
    write("bootstrap.json", f"scipy.stats.bootstrap, percentile of 100,000 draws, scipy {scipy.__version__}", cases)


def series(levels, spread):
    """Times at each level in turn, as (level, builds)."""
    return [
        round(float(it), 6)
        for level, builds in levels
        for it in level * np.exp(RANDOM.normal(0, spread, builds))
    ]


def e_divisive():
    by = f"PairDistanceCalculator of apache-otava {version('apache-otava')}"
    cases = []
    for size in (2, 3, 7, 20, 50):
        numbers = [round(float(it), 6) for it in RANDOM.normal(0, 1, size) + (np.arange(size) > size / 3)]
        best = PairDistanceCalculator(np.array(numbers)).get_candidate_change_point(slice(0, size))
        cases.append({"numbers": numbers, "index": int(best.index), "q": float(best.qhat)})
    write("e-divisive-q.json", by, cases)

    by = f"compute_change_points (t-test) and compute_change_points_orig (permutations) of apache-otava {version('apache-otava')}"
    cases = []
    for spread in (0.01, 0.027):
        for levels in [
            [(100, 50)],
            [(100, 30), (120, 30)],
            [(100, 40), (125, 10)],
            [(100, 20), (130, 20), (100, 20)],
            [(100, 80), (110, 80), (140, 80), (115, 60)],
            [(200, 200)],
            [(50, 60), (60, 15), (50, 60)],
        ]:
            numbers = series(levels, spread)
            by_t, _ = compute_change_points(numbers, window_len=50, max_pvalue=0.001, min_magnitude=0.05)
            case = {
                "numbers": numbers,
                "shifts": [int(it) for it in np.cumsum([builds for _, builds in levels])[:-1]],
                "otava": sorted(int(it.index) for it in by_t),
            }
            if len(numbers) <= 60:
                # Its windows end at 50 builds, the original algorithm has none.
                by_permutation, _ = compute_change_points_orig(np.log(numbers), max_pvalue=0.001, seed=7)
                case["original"] = sorted(int(it.index) for it in by_permutation)
            cases.append(case)
    write("change-points.json", by, cases)


if __name__ == "__main__":
    mann_whitney()
    robust()
    benjamini_hochberg()
    bootstrap()
    e_divisive()
