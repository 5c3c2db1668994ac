"""The experiments of the data subsampling paper are in `fastai_boost.experiments.subset_claims` now"""
# This module is written by hand and only re-exports them.
# Their protocol is in `fastai_boost.experiments.subset_protocol`.
from .experiments.subset_claims import *
from .experiments.subset_protocol import *
