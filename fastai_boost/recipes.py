"""The trainings of the Population Based Augmentation paper are in `fastai_boost.experiments.recipes` now

This module is written by hand and only re-exports them."""
from .experiments.recipes import *
