"""The paper's metrics: which of them are better when they are higher.

From the `sorting` of the authors' own code (github.com/saalfeldlab/CNNectome,
`CNNectome/validation/organelles/segmentation_metrics.py`). Of any other metric nobody can say which result is best.
"""

from __future__ import annotations

HIGHER_IS_BETTER = frozenset(
    {
        "dice",
        "jaccard",
        "precision",
        "precision_with_tolerance",
        "recall",
        "recall_with_tolerance",
        "f1_score",
        "f1_score_with_tolerance",
    }
)
LOWER_IS_BETTER = frozenset(
    {
        "hausdorff",
        "false_negative_rate",
        "false_negative_rate_with_tolerance",
        "false_positive_rate",
        "false_positive_rate_with_tolerance",
        "false_discovery_rate",
        "voi",
        "mean_false_distance",
        "mean_false_distance_clipped",
        "mean_false_negative_distance",
        "mean_false_negative_distance_clipped",
        "mean_false_positive_distance",
        "mean_false_positive_distance_clipped",
        "adapted_rand",
    }
)
"""`adapted_rand` is an error (CREMI's adapted RAND error), and not in that table."""
