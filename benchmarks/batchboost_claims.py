"""The claims of the batchboost paper and its README, at a size that fits two CPU cores.

    python benchmarks/batchboost_claims.py decay   # figures 1 and 2: weight decay 1e-4 and 1e-5, without augmentation
    python benchmarks/batchboost_claims.py sweep   # factor, windows, alpha
    python benchmarks/batchboost_claims.py small   # 64 images in all and 640 (64 per class), against SamplePairing

Each writes results/batchboost_<part>.csv, a row per run (`decay`: per run and epoch), and goes on where it was stopped.
CIFAR-10, small convnet, the settings of `fastai-boost-train` but for what the columns say. `small` and `sweep` test on every fifth image of the test set, once, at the end."""
import os, sys
from pathlib import Path
import pandas as pd, torch
from fastai.vision.all import *
from fastai_boost.batchboost import *
from fastai_boost.data import boost_dls
from fastai_boost.experiment import train, methods
from fastai_boost.models import small_convnet

torch.set_num_threads(1)
results = Path(os.environ.get('RESULTS', Path(__file__).parent.parent/'results'))

def decay_runs():
    "Accuracy and losses over the epochs; the same number of epochs for all, as in the figures of the paper"
    for seed in (1,2,3):
        for decay in (1e-4,1e-5):
            for name in ('baseline','mixup','batchboost'):
                df = train(name, n_train=5000, epoch=10, decay=decay, seed=seed, augment=False, out=results/'batchboost_decay')
                yield df.assign(decay=decay)

def final(name, n_train, epoch, seed, augment, bs=128, lr=.1, **kw):
    "Train, then test once: accuracy, test loss and rows"
    set_seed(seed, reproducible=True)
    dls = boost_dls('cifar10', bs=bs, n_train=n_train, seed=seed, augment=augment)
    rows = [0]
    class Rows(Callback):
        run_valid = False
        def before_backward(self): rows[0] += len(self.x)
        def before_validate(self): raise CancelValidException()
    learn = Learner(dls, small_convnet(), loss_func=CrossEntropyLossFlat(), lr=lr, wd=1e-4, wd_bn_bias=True,
                    opt_func=partial(SGD, mom=.9, decouple_wd=False), moms=(.9,.9,.9), cbs=[GradientClip(1.)])
    cb = Rows()
    with learn.no_bar(), learn.no_logging(): methods[name](learn, **kw).fit_one_cycle(epoch, lr, cbs=cb)
    preds,y = learn.get_preds(dl=dls.valid.new(n=2000, get_idxs=lambda: range(0,10000,5)), reorder=False)
    return dict(accuracy=(preds.argmax(1)==y).float().mean().item(), valid_loss=F.nll_loss(preds.clamp_min(1e-8).log(), y).item(), backward_rows=rows[0])

boosted = dict(alpha=1., factor=.5, window_normal=0, window_boost=10, same_size=False)

def sweep_settings():
    for factor in (.25,1/3,.5): yield dict(boosted, factor=factor)
    for alpha in (.2,2.): yield dict(boosted, alpha=alpha)
    yield dict(boosted, window_normal=5, window_boost=5)
    yield dict(boosted, same_size=True)

def sweep_runs():
    common = dict(n_train=1000, epoch=16, augment=False)
    for seed in (1,2,3):
        for mult in (1,2): yield dict(name='baseline', seed=seed, **{**common, 'epoch':16*mult}),{}
        for kw in sweep_settings(): yield dict(name='batchboost', seed=seed, **common),kw

def small_runs():
    "Plain training and the mixers get the rows that batchboost trains on"
    for seed in (1,2,3):
        for n_train,bs,epoch in ((64,16,120),(640,64,24)):
            for name in ('baseline','samplepairing','mixup','batchboost'):
                kw = boosted if name=='batchboost' else dict(alpha=1.) if name=='mixup' else {}
                yield dict(name=name, seed=seed, n_train=n_train, bs=bs, lr=.05, augment=False, epoch=epoch*(1 if name=='batchboost' else 2)),kw

def run_all(part, runs):
    "Run what is not in the CSV yet"
    fn = results/f'batchboost_{part}.csv'
    done = pd.read_csv(fn).to_dict('records') if fn.exists() else []
    def key(d): return tuple(str(d.get(k)) for k in ('name','seed','n_train','epoch','augment',*boosted))
    seen = {key(d) for d in done}
    runs = [(a,kw) for a,kw in runs if key({**dict.fromkeys(boosted, float('nan')), **a, **kw}) not in seen]
    for a,kw in progress_bar(runs):
        done.append({**a, **dict.fromkeys(boosted, float('nan')), **kw, **final(**a, **kw)})
        tmp = fn.with_suffix('.tmp'); pd.DataFrame(done).to_csv(tmp, index=False); os.replace(tmp, fn)
        print({k:v for k,v in done[-1].items() if v==v}, flush=True)

if __name__=='__main__':
    results.mkdir(exist_ok=True)
    part = sys.argv[1]
    if part=='decay': pd.concat(decay_runs()).to_csv(results/'batchboost_decay.csv', index=False)
    else: run_all(part, list(dict(sweep=sweep_runs, small=small_runs)[part]()))
