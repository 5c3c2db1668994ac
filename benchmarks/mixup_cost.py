"""What mixup adds to a step: time over fastai's own MixUp, and host synchronisations beyond it and beyond plain training.

    python benchmarks/mixup_cost.py

Steps of the small convnet on 128 images of 32x32 are timed in turn, one thread, and the ratio taken pair by pair. Writes results/mixup_cost.csv."""
import time
from pathlib import Path
import numpy as np, pandas as pd, torch, fastai
from fastai.vision.all import *
from machine import cpu
from fastai.callback.mixup import MixUp as FastaiMixUp
from fastai_boost.core import SyncCounter
from fastai_boost.mixup import CutMix, MixUp
from fastai_boost.models import small_convnet

torch.set_num_threads(1)
out = Path(__file__).parent.parent/'results'/'mixup_cost.csv'
methods = dict(plain=None, fastai=FastaiMixUp, mixup=MixUp, cutmix=CutMix)

class StepTime(Callback):
    "CPU seconds from before the first callback of a step to after its optimizer step"
    order,run_valid = -99,False
    def before_fit(self): self.times = []
    def before_batch(self): self.start = time.process_time()
    def after_step(self): self.times.append(time.process_time()-self.start)

def learner(name, bs, steps):
    set_seed(0)
    x,y = torch.rand(bs*steps,3,32,32),torch.randint(0,10,(bs*steps,))
    dl = DataLoader([*zip(x,y)], bs=bs, shuffle=True)
    cbs = [StepTime()]+([methods[name]()] if methods[name] else [])
    return Learner(DataLoaders(dl, []), small_convnet(3, 10), loss_func=CrossEntropyLossFlat(), cbs=cbs)

def step_time(learn):
    with learn.no_bar(), learn.no_logging(): learn.fit(1)
    return np.median(learn.step_time.times[4:])

def syncs(name, bs=16):
    "Synchronisations per step, from two lengths so that what a fit does once drops out"
    def total(steps):
        learn = learner(name, bs, steps)
        with learn.no_bar(), learn.no_logging(), SyncCounter() as c: learn.fit(1)
        return c.total
    return (total(24)-total(12))/12

def interval(r):
    "Median, and where it lies with 95 % confidence, by rank"
    r,d = np.sort(r),.98*len(r)**.5
    return dict(ratio_median=np.median(r).round(4), ratio_low=r[int(max((len(r)-1)/2-d, 0))].round(4), ratio_high=r[int(min(np.ceil((len(r)-1)/2+d), len(r)-1))].round(4))

def main(pairs=61, steps=20):
    learns = {k:learner(k, 128, steps) for k in methods}
    for o in learns.values(): step_time(o)
    times = [{k:step_time(o) for k,o in learns.items()} for _ in range(pairs)]
    rows = [dict(what=f'{a} over {b}', **interval([t[a]/t[b] for t in times]), pairs=pairs)
            for a,b in (('mixup','fastai'),('mixup','plain'),('cutmix','plain'))]
    plain = syncs('plain')
    rows += [dict(what=f'syncs per step, {k}', syncs=syncs(k)-plain) for k in ('fastai','mixup','cutmix')]
    df = pd.DataFrame(rows).assign(threads=1, cpu=cpu(), torch=torch.__version__, fastai=fastai.__version__)
    df.to_csv(out, index=False)
    print(df.iloc[:,:6].to_string(index=False))

if __name__=='__main__': main()
