"""Is a schedule that was searched for better than none, than chance, and than the published one?

    python benchmarks/search_claims.py

1,000 images of reduced CIFAR-10, a small convnet, 48 epochs of one cycle. The search: 8 trials, takeovers every 3 epochs, validated on 2,000 held-out images.
Two controls get the same 384 epochs and choose their best of 8 by the same images: `random` draws whole schedules uniformly, `walk` goes from no augmentation
by the search's own explore step, at the found schedule's changes, without any selection. Then each is trained from zero, 3 seeds, and tested on the 10,000 test images,
beside `none` and the published `rcifar10`, stretched. Two processes of one thread.
Writes results/search/: search/ (the search itself), a CSV per training in runs/, search.csv, and two figures. What is there is read, a search that was stopped goes on."""
import multiprocessing, os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
os.environ.setdefault('OMP_NUM_THREADS', '1')
import fastai, numpy as np, pandas as pd, ray, torch
from fastai.vision.all import *
from machine import cpu
from fastai_boost.all import *
from fastai_boost.augment.search import *
from fastai_boost.data import write_whole
from fastai_boost.experiment import RunRecord, _learner

out = Path(__file__).parent.parent/'results'/'search'
epochs,lr = 48,.1
fit = partial(Learner.fit_one_cycle, lr_max=lr)

def learner(policy, seed=0, n_valid=2000, cbs=()):
    torch.set_num_threads(1)
    learn = _learner(boost_dls('reduced_cifar10', bs=128, n_train=1000, n_valid=n_valid, seed=seed), 'small', lr, 1e-4, cbs)
    return learn.pba(policy) if policy is not None else learn

def walk(found, seed):
    "From nothing by the explore step, at the changes of `found`"
    rng,v,segs = np.random.default_rng(seed),np.zeros(60, int),[]
    for n,_ in found.segments:
        segs.append((n,Policy.from_ints(v.tolist())))
        v = explore(v, rng)
    return Schedule(segs, f'walk {seed}')

def train(job):
    "One training; `choose` validates on the held-out images, otherwise on the test set"
    name,seed,schedule,choose = job
    fn = out/'runs'/f'{name}-{"choose" if choose else "seed"}{seed}.csv'
    if fn.exists(): return pd.read_csv(fn)
    cb = RunRecord()
    set_seed(seed, reproducible=True)
    fit(learner(schedule, seed, 2000 if choose else None, [cb]), epochs)
    df = pd.DataFrame(cb.rows).assign(name=name, seed=seed)
    write_whole(fn, df.to_csv(index=False))
    return df

def best_of(name, schedules, pool):
    "The schedule that does best on the held-out images"
    dfs = list(pool.map(train, [(name,i,s,True) for i,s in enumerate(schedules)]))
    return schedules[int(np.argmax([d.accuracy.iloc[-1] for d in dfs]))]

def main():
    res = search_schedule(learner, epochs, population=8, storage_path=out/'search', resume=(out/'search'/'search.json').exists(), fit=fit)
    found = res.best_schedule
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('spawn')) as pool:
        controls = dict(random=[Schedule.random(epochs, len(found.segments), i) for i in range(8)], walk=[walk(found, i) for i in range(8)])
        arms = dict(none=None, found=found, **{k:best_of(k, v, pool) for k,v in controls.items()}, rcifar10=Schedule.named('rcifar10'))
        dfs = list(pool.map(train, [(nm,s,sch,False) for s in (1,2,3) for nm,sch in arms.items()]))
    last = pd.concat([d.tail(1) for d in dfs])
    g = last.groupby('name', sort=False)
    df = g.agg(runs=('seed','size'), accuracy=('accuracy','mean'), sd=('accuracy','std'), valid_loss=('valid_loss','mean'), train_loss=('train_loss','mean'), seconds=('seconds','mean'))
    df = df.round(dict(accuracy=4, sd=4, valid_loss=3, train_loss=3, seconds=1)).assign(cpu=cpu(), torch=torch.__version__, fastai=fastai.__version__, ray=ray.__version__)
    df.to_csv(out/'search.csv')
    print(df.iloc[:,:6].to_string())
    figures(res, pd.concat(dfs))

def figures(res, df):
    import matplotlib; matplotlib.use('agg')
    res.plot(); plt.savefig(out/'search.png', dpi=80); plt.close()
    ax = plt.subplots(figsize=(5,3.4), layout='constrained')[1]
    for nm,d in df.groupby('name', sort=False):
        g = d.groupby('epoch').accuracy
        ax.plot(g.mean(), label=nm); ax.fill_between(g.mean().index, g.min(), g.max(), alpha=.2)
    ax.set(xlabel='epoch', ylabel='test accuracy, 3 seeds'); ax.legend()
    plt.savefig(out/'trainings.png', dpi=90); plt.close()

if __name__=='__main__': main()
