"""What the methods of selection cost beyond the rows they train on: time, reads of items, host synchronisations; and what `auto` saves.

    python benchmarks/selection_cost.py

Ratios are of two trainings of one model on one thread, in turn, pair by pair; `limit` is the largest median that is allowed.
Time is the processor's for this process, which other work on the machine does not lengthen as it does the clock's.

- `fresh`: a filtered step over a bare forward pass on all 128 rows and a plain step on the 64 that the filter keeps
- `stale`, `infobatch`: a step on 128 rows over a plain one; `_epoch`: time per row of a drawn epoch over that of a plain one, draw and loading included
- `getitem`: `value` epochs in which each drawn item was read exactly once and no other; else an `AssertionError`
- `syncs`: `value` host synchronisations per batch read, beyond plain fastai's
- `guard`: whole trainings with `auto=True` over plain ones, with the decisions of each, a digit per epoch

Writes results/selection_cost.csv."""
import platform, time
from pathlib import Path
import numpy as np, pandas as pd, torch, fastai
from fastai.vision.all import *
from fastai_boost.all import *
from fastai_boost.core import SyncCounter
from fastai_boost.models import small_convnet

torch.set_num_threads(1)
out = Path(__file__).parent.parent/'results'/'selection_cost.csv'
bs = 128

class Timer(Callback):
    "Seconds of each step, from before its first callback to after the optimizer's, and of each epoch's training, with their rows"
    order,run_valid = -99,False
    def before_fit(self): self.steps,self.epochs = [],[]
    def before_train(self): self.steps,self.rows,self.begun = [],0,time.process_time()   # the steps of the last epoch stay
    def before_batch(self): self.start = time.process_time()
    def after_step(self):
        self.steps.append((time.process_time()-self.start, len(self.x)))
        self.rows += len(self.x)
    def before_validate(self): self.epochs.append((time.process_time()-self.begun, self.rows))

class ForwardThenHalf(Callback):
    "What `fresh` is compared with: the model on all rows without gradient, timed alone, then a plain step on half of them"
    order,run_valid = Timer.order-1,False
    def before_fit(self): self.times = []
    def before_batch(self):
        self.model.eval()
        start = time.process_time()
        with torch.no_grad(): self.model(self.x)
        self.times.append(time.process_time()-start)
        self.model.train()
        self.learn.xb,self.learn.yb = take((self.xb,self.yb), slice(bs//2))

def noise(n): return torch.rand(n,3,32,32),torch.randint(0,10,(n,))
def patterns(n, hard=.02):
    "Ten patterns that are soon told apart; a share `hard` of the labels is random"
    x,y = noise(n)
    return x+torch.randn(10,3,8,8).repeat(1,1,4,4)[y],torch.where(torch.rand(n)<hard, torch.randint(0,10,(n,)), y)

def learner(ds, method=None, model=None, bs=bs, cbs=None, workers=0, drop_last=True, **kwargs):
    set_seed(0)
    dls = DataLoaders(DataLoader(ds, bs=bs, shuffle=True, drop_last=drop_last, num_workers=workers), [])
    learn = Learner(dls, model or small_convnet(3, 10), loss_func=CrossEntropyLossFlat(), cbs=L(cbs or Timer))
    learn.logger = noop
    return getattr(learn, method)(**kwargs) if method else learn

def fit(learn, epochs=1, lr=None):
    with learn.no_bar(): learn.fit(epochs, lr)
    return learn.timer

def per_step(t, rows): return np.median([s for s,n in t.steps if n==rows])
def per_row(t): return t.epochs[-1][0]/t.epochs[-1][1]

def named(*names, **kwargs): return ' '.join([*names, *(f'{k}={v}' for k,v in kwargs.items())])
def row(what, ratios, limit=None, **kwargs):
    r = np.array(ratios)
    return dict(what=what, ratio_median=round(np.median(r), 4), ratio_min=round(r.min(), 4), ratio_max=round(r.max(), 4), pairs=len(r), limit=limit, **kwargs)

def fresh(pairs=20, steps=10):
    ds = [*zip(*noise(bs*steps))]
    filtered,plain = learner(ds, 'batch_loss_filter', start=0, min_loss_perc=1e-9, min_sample_perc=.5),learner(ds, cbs=[Timer,ForwardThenHalf])
    def ratio(): return per_step(fit(filtered), bs//2)/(per_step(fit(plain), bs//2)+np.median(plain.forward_then_half.times))
    ratio()
    return [row('fresh', [ratio() for _ in range(pairs)], 1.05)]

def drawn(what, method, epochs, pairs=15, steps=12, **kwargs):
    "Only the last epoch of a fit is timed"
    ds = [*zip(*noise(bs*steps))]
    cut,plain = learner(ds, method, **kwargs),learner(ds)
    def ratios():
        c,p = fit(cut, epochs),fit(plain)
        assert c.rows<.9*p.rows, f'{what} left nothing out'
        return per_step(c, bs)/per_step(p, bs),per_row(c)/per_row(p)
    fit(cut); fit(plain)
    return [row(w, r, 1.03) for w,r in zip((what,f'{what}_epoch'), zip(*[ratios() for _ in range(pairs)]))]

class Counted:
    "A dataset that counts, across worker processes, how often each item is read"
    def __init__(self, x, y): self.x,self.y,self.reads = x,y,torch.zeros(len(x), dtype=torch.int64).share_memory_()
    def __len__(self): return len(self.x)
    def __getitem__(self, i):
        self.reads[i] += 1
        return self.x[i],self.y[i]

class CheckReads(Callback):
    "What the record says was visited was read once, all else never; `cut` counts the epochs that left out items"
    order = Timer.order
    def before_fit(self): self.cut = 0
    def before_train(self): self.before = self.dls.train.dataset.reads.clone()
    def after_epoch(self):
        rec,reads = self.learn.boost_core.record,self.dls.train.dataset.reads-self.before
        assert reads.equal((rec.epoch==rec.epochs-1).long()), f'epoch {self.epoch}: items were read {reads.bincount().tolist()} times'
        self.cut += int((reads==0).any())

def getitem(method, workers, epochs=6, **kwargs):
    learn = learner(Counted(*noise(200)), method, nn.Sequential(nn.Flatten(), nn.Linear(3072,10)), 16, CheckReads, workers, drop_last=False, **kwargs)
    with learn.no_bar(): learn.fit(epochs, 1e-3)
    assert learn.check_reads.cut, f'{method} left nothing out'
    return dict(what=named('getitem', method, **kwargs, workers=workers), value=epochs, epochs_cut=learn.check_reads.cut)

def syncs(method=None, epochs=1, n=4, **kwargs):
    "Per batch read, from two lengths so that what an epoch does once drops out"
    def total(steps):
        learn = learner([*zip(*noise(n*steps))], method, bs=n, **kwargs)
        with learn.no_bar(), SyncCounter() as c: learn.fit(epochs)
        return c.total
    return (total(24)-total(12))/12

def all_syncs():
    fresh = [(1,'batch_loss_filter',dict(start=0)), *((1,'selective_backprop',dict(prime=0, refill=o)) for o in (False,True)),
             (0,'selective_backprop',dict(prime=0, keep=.5)), (0,'random_filter',{})]
    drawn = [(0,'batch_loss_filter',dict(score='stale')), (0,'infobatch',dict(delta=1)), (0,'selective_backprop',dict(stale=3))]   # in the second epoch
    runs = [(e,syncs(epochs=e),*o) for e,runs in ((1,fresh),(2,drawn)) for o in runs]
    return [dict(what=named('syncs', m, **kw), value=syncs(m, e, **kw)-plain, limit=n) for e,plain,n,m,kw in runs]

def guard(what, data, lr, limit=None, pairs=3, epochs=6, steps=16):
    set_seed(0)
    ds,ratios,decisions = [*zip(*data(bs*steps))],[],[]
    for _ in range(pairs):
        plain,auto = learner(ds),learner(ds, 'batch_loss_filter', auto=True)
        t,t_auto = (sum(s for s,_ in fit(o, epochs, lr).epochs) for o in (plain,auto))
        ratios.append(t_auto/t)
        decisions.append(''.join(str(int(o)) for o in auto.boosts[0].guard.decisions[:epochs]))
    return [row(what, ratios, limit, decisions=' '.join(decisions))]

def main():
    half = dict(score='stale', start=0, min_loss_perc=1e-9, min_sample_perc=.5, refresh=10**6)   # half of the items in each epoch but the first
    reads = [('batch_loss_filter',dict(score='stale')), ('infobatch',dict(delta=1)), ('selective_backprop',dict(stale=3))]
    df = pd.DataFrame([*fresh(), *drawn('stale', 'batch_loss_filter', 1, **half), *drawn('infobatch', 'infobatch', 2, delta=1),
                       *(getitem(m, w, **kw) for m,kw in reads for w in (0,2)), *all_syncs(),
                       *guard('guard_on', patterns, 3e-3, .95), *guard('guard_off', noise, 1e-4)])
    df = df.assign(rows=bs, threads=1, cpu=platform.processor() or platform.machine(), torch=torch.__version__, fastai=fastai.__version__)
    out.parent.mkdir(exist_ok=True)
    df.to_csv(out, index=False)
    print(df.iloc[:, :-5].to_string(index=False, na_rep=''))
    missed = df[df.ratio_median.fillna(df.value)>df.limit.astype(float)]
    if len(missed): print('Missed:', ', '.join(missed.what))

if __name__=='__main__': main()
