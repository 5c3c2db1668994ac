"""`train`, `boost_train` and `boost_compare` are in `fastai_boost.experiments.compare` now"""
# This module is written by hand and only re-exports them.
# `RunRecord` and `csv_cols` are in `fastai_boost.experiments.runs` now.
from .experiments.compare import *
from .experiments.runs import RunRecord, csv_cols
