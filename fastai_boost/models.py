"""Networks by name are in `fastai_boost.experiments.models` now

This module is written by hand and only re-exports them."""
from .experiments.models import *
