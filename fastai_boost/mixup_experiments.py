"""The experiments of the mixup paper are in `fastai_boost.experiments.mixup_claims` now"""
# This module is written by hand and only re-exports them.
# What they measure with is in `fastai_boost.experiments.mixup_measures`.
from .experiments.mixup_claims import *
from .experiments.mixup_measures import *
