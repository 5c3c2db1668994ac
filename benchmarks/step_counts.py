"""What the benchmarks of steps share: a small Learner for each arm, and what one of its steps costs in numbers that are
the same on every machine: operations, bytes and synchronisations.

An arm is a one-liner and its arguments. `mixup_cost.py`, `batchboost_overhead.py` and `selection_cost.py` have the
arms, and count them on request (`python benchmarks/mixup_cost.py count`). `step_cost_between.py` compares them between
two versions of the package."""
import math, subprocess, sys
from pathlib import Path
import numpy as np, pandas as pd, torch
import fastai_boost
from fastai.vision.all import *
from fastai_boost.all import *   # brings the one-liners
from fastai_boost.experiments.models import small_convnet
from fastai_boost.experiments.runs import machine_columns
from fastai_boost.testing import SyncCounter

root = Path(__file__).resolve().parent.parent
counts = ['operations','bytes','syncs']

def tensors_in(o):
    "All tensors in the arguments or the result of an operation"
    if isinstance(o, torch.Tensor): yield o
    elif isinstance(o, (tuple,list)):
        for part in o: yield from tensors_in(part)
    elif isinstance(o, dict): yield from tensors_in(list(o.values()))

def memory_of(o):
    "Address and bytes of the memory of all tensors in `o`"
    storages = [t.untyped_storage() for t in tensors_in(o)]
    return {storage.data_ptr():storage.nbytes() for storage in storages}

class StepCounter(SyncCounter):
    """Count the operations that torch dispatches, the bytes of their new results, and the synchronisations

    A view, and the result of an operation in place, are not new. What an operation allocates inside is not seen."""
    def __init__(self):
        super().__init__()
        self.operations = self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = memory_of((args,kwargs or {}))
        result = super().__torch_dispatch__(func, types, args, kwargs)
        self.operations += 1
        self.bytes += sum(n for place,n in memory_of(result).items() if place not in given)
        return result

    @property
    def now(self): return np.array([self.operations, self.bytes, self.total])

class NoteSteps(Callback):
    "Note in `epochs`, a list for each epoch, what `counter` shows where a step begins: before the first callback"
    order,run_valid = -99,False
    def __init__(self, counter): self.counter,self.epochs = counter,[]
    def before_train(self): self.epochs.append([])
    def before_batch(self): self.epochs[-1].append(self.counter.now)

def small_learner(one_liner=None, steps=20, bs=128, cbs=None, **kwargs):
    "A small net on noise, `steps` batches of `bs` rows an epoch, with the method of `one_liner`"
    set_seed(0)
    x,y = torch.rand(bs*4,3,32,32),torch.randint(0,10,(bs*4,))
    items = [*zip(x,y)]*math.ceil(steps/4)   # the same items again take no memory
    dl = DataLoader(items[:bs*steps], bs=bs, shuffle=True, drop_last=True)
    learn = Learner(DataLoaders(dl, []), small_convnet(3, 10), loss_func=CrossEntropyLossFlat(), cbs=cbs)
    return getattr(learn, one_liner)(**kwargs) if one_liner else learn

def count_steps(one_liner=None, steps=20, bs=32, epochs=3, **kwargs):
    "The mean operations, bytes and synchronisations of a step in the last epoch, from one step's begin to the next's"
    with StepCounter() as counter:
        learn = small_learner(one_liner, steps, bs, NoteSteps(counter), **kwargs)
        with learn.no_bar(), learn.no_logging(): learn.fit(epochs)
    last = learn.note_steps.epochs[-1]
    per_step = (last[-1]-last[0])/(len(last)-1)
    return dict(zip(counts, per_step.round(3).tolist()))

def interval(ratios):
    "Median, and the ranks between which it lies with 95 % confidence"
    ratios = np.sort(ratios)
    n = len(ratios)
    half = .98*n**.5
    low = int(max((n-1)/2-half, 0))
    high = int(min(np.ceil((n-1)/2+half), n-1))
    return dict(
        ratio_median=np.median(ratios).round(4), ratio_low=ratios[low].round(4), ratio_high=ratios[high].round(4))

def commit_of(tree):
    "The commit of a folder of sources, with a plus where files were changed since; empty without git"
    def git(*args): return subprocess.run(['git','-C',tree,*args], capture_output=True, text=True).stdout.strip()
    changed = git('status', '--porcelain', '--untracked-files=no', '--', 'fastai_boost')
    return git('rev-parse', '--short', 'HEAD')+('+' if changed else '')

def write_counts(name, arms):
    "Count the steps of all `arms`, and of plain training, into results/`name`_counts.csv"
    rows = [dict(arm=arm, **count_steps(**kwargs)) for arm,kwargs in dict(plain={}, **arms).items()]
    df = pd.DataFrame(rows).assign(
        rows=32, version=fastai_boost.__version__, commit=commit_of(root), **machine_columns('torch','fastai'))
    df.to_csv(root/'results'/f'{name}_counts.csv', index=False)
    print(df.iloc[:,:5].to_string(index=False))

def count_or_time(name, arms, time):
    "Count the steps where the command line says `count`, else call `time`"
    if sys.argv[1:]==['count']: write_counts(name, arms)
    else: time()
