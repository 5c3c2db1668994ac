"""The data sets by name are in `fastai_boost.experiments.data` now"""
# This module is written by hand and only re-exports them.
# `settings_hash` and `write_whole` are in `fastai_boost.experiments.runs` now.
from .experiments.data import *
from .experiments.runs import settings_hash, write_whole
