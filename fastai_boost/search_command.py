"""`fastai-boost-search` is in `fastai_boost.experiments.search_command` now

This module is written by hand and only re-exports it."""
from .experiments.search_command import *
