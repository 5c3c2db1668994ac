"""What batchboost adds to a step: time per row against a plain step of as many rows, and host synchronisations.

    python benchmarks/batchboost_overhead.py
    python benchmarks/batchboost_overhead.py count    # operations, bytes and synchronisations of a step, a minute

A boosted step on 64 fresh and 64 carried rows is timed against a plain step on 128 rows, in turn. The ratio is taken
pair by pair. Writes results/batchboost_overhead.csv; the counts are in results/batchboost_overhead_counts.csv."""
import platform, time
from pathlib import Path
import numpy as np, pandas as pd, torch, fastai
from fastai.vision.all import *
from fastai_boost.batchboost import *   # brings `learn.batchboost`
from fastai_boost.experiments.models import small_convnet
from fastai_boost.testing import SyncCounter
from step_counts import count_or_time

torch.set_num_threads(1)
arms = {'batchboost':dict(one_liner='batchboost'), 'batchboost same_size':dict(one_liner='batchboost', same_size=True)}
out = Path(__file__).parent.parent/'results'/'batchboost_overhead.csv'

class StepTime(Callback):
    "Seconds from before the first callback of a step to after its optimizer step, and its rows"
    order,run_valid = -99,False
    def before_fit(self): self.times = []
    def before_batch(self): self.start = time.perf_counter()
    def after_step(self): self.times.append((time.perf_counter()-self.start, len(self.x)))

def learner(bs, boosted, steps):
    "A small net on noise: `steps` batches of `bs` rows"
    set_seed(0)
    x,y = torch.rand(bs*steps,3,32,32),torch.randint(0,10,(bs*steps,))
    dl = DataLoader([*zip(x,y)], bs=bs, shuffle=True)
    learn = Learner(DataLoaders(dl, []), small_convnet(3, 10), loss_func=CrossEntropyLossFlat(), cbs=StepTime)
    return learn.batchboost() if boosted else learn

def per_row(learn):
    "Median seconds per row of the steps of full size, after the first eight"
    with learn.no_bar(), learn.no_logging(): learn.fit(1)
    return np.median([t/n for t,n in learn.step_time.times[8:] if n>=126])

def syncs(boosted, bs=16):
    "Synchronisations per step; two lengths are compared, because a fit has some that do not come from its steps"
    def total(steps):
        learn = learner(bs, boosted, steps)
        with learn.no_bar(), learn.no_logging(), SyncCounter() as counter: learn.fit(1)
        return counter.total
    return (total(24)-total(12))/12

def main(pairs=15, steps=24):
    plain = learner(128, False, steps)
    boosted = learner(64, True, steps)
    for learn in (plain,boosted): per_row(learn)   # warm
    ratios = [per_row(boosted)/per_row(plain) for _ in range(pairs)]
    res = dict(
        ratio_median=round(np.median(ratios), 4), ratio_min=round(min(ratios), 4), ratio_max=round(max(ratios), 4),
        pairs=pairs, steps=steps, rows=128,
        syncs_per_step_plain=syncs(False), syncs_per_step_batchboost=syncs(True),
        threads=1, cpu=platform.processor() or platform.machine(),
        torch=torch.__version__, fastai=fastai.__version__)
    out.parent.mkdir(exist_ok=True)
    pd.DataFrame([res]).to_csv(out, index=False)
    print(pd.Series(res).to_string())

if __name__=='__main__': count_or_time('batchboost_overhead', arms, main)
