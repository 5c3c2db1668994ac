"""What mixup adds to a step: time over fastai's own MixUp, and host synchronisations beyond it and beyond plain
training.

    python benchmarks/mixup_cost.py
    python benchmarks/mixup_cost.py count    # operations, bytes and synchronisations of a step, a minute

Steps of the small convnet on 128 images of 32x32 are timed in turn, with one thread. The ratio is taken pair by pair.
Writes results/mixup_cost.csv; the counts are in
results/mixup_cost_counts.csv."""
import time
from pathlib import Path
import numpy as np, pandas as pd, torch
from fastai.vision.all import *
from fastai.callback.mixup import MixUp as FastaiMixUp
from fastai_boost.experiments.models import small_convnet
from fastai_boost.experiments.runs import machine_columns
from fastai_boost.all import CutMix
from fastai_boost.mixup import MixUp
from fastai_boost.testing import SyncCounter
from step_counts import count_or_time, interval

torch.set_num_threads(1)
out = Path(__file__).parent.parent/'results'/'mixup_cost.csv'
methods = dict(plain=None, fastai=FastaiMixUp, mixup=MixUp, cutmix=CutMix)
arms = dict(mixup=dict(one_liner='mixup'), cutmix=dict(one_liner='cutmix'))

class StepTime(Callback):
    "CPU seconds from before the first callback of a step to after its optimizer step"
    order,run_valid = -99,False
    def before_fit(self): self.times = []
    def before_batch(self): self.start = time.process_time()
    def after_step(self): self.times.append(time.process_time()-self.start)

def learner(name, bs, steps):
    "A small net on noise: `steps` batches of `bs` rows"
    set_seed(0)
    x,y = torch.rand(bs*steps,3,32,32),torch.randint(0,10,(bs*steps,))
    dl = DataLoader([*zip(x,y)], bs=bs, shuffle=True)
    cbs = [StepTime()]
    if methods[name]: cbs.append(methods[name]())
    return Learner(DataLoaders(dl, []), small_convnet(3, 10), loss_func=CrossEntropyLossFlat(), cbs=cbs)

def step_time(learn):
    "Median CPU seconds of a step, after the first four"
    with learn.no_bar(), learn.no_logging(): learn.fit(1)
    return np.median(learn.step_time.times[4:])

def syncs(name, bs=16):
    "Synchronisations per step; two lengths are compared, because a fit has some that do not come from its steps"
    def total(steps):
        learn = learner(name, bs, steps)
        with learn.no_bar(), learn.no_logging(), SyncCounter() as counter: learn.fit(1)
        return counter.total
    return (total(24)-total(12))/12

def main(pairs=61, steps=20):
    learns = {name:learner(name, 128, steps) for name in methods}
    for learn in learns.values(): step_time(learn)   # warm
    times = [{name:step_time(learn) for name,learn in learns.items()} for _ in range(pairs)]
    rows = []
    for a,b in (('mixup','fastai'),('mixup','plain'),('cutmix','plain')):
        rows.append(dict(what=f'{a} over {b}', **interval([t[a]/t[b] for t in times]), pairs=pairs))
    plain = syncs('plain')
    rows += [dict(what=f'syncs per step, {name}', syncs=syncs(name)-plain) for name in ('fastai','mixup','cutmix')]
    df = pd.DataFrame(rows).assign(threads=1, **machine_columns('torch','fastai'))
    df.to_csv(out, index=False)
    print(df.iloc[:,:6].to_string(index=False))

if __name__=='__main__': count_or_time('mixup_cost', arms, main)
