"What the benchmarks write about the machine; it is in `fastai_boost.experiments.runs` now"
from fastai_boost.experiments.runs import cpu_name as cpu
