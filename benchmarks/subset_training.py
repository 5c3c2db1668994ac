"""Does augmenting 10 % of the items, chosen by score, match augmenting all of them, in training a network end to end; and at what time?

    python benchmarks/subset_training.py

2,000 images of CIFAR-10, ten classes, a small convnet, 12 epochs of one cycle, 3 seeds. From epoch 3 on, four diagonal shifts of each chosen item are added (`append=True`, the paper's way).
`plain` has no augmentation, `plain_equal` as many rows as `influence`, in more epochs; `all_in_place` shifts every item in every epoch, as augmentation is usually done; `all_equal` adds the copies of all items, from epoch 1 on and in so few epochs. One thread; `seconds` is the training with the scoring, in CPU seconds, without validation.
Writes results/subset_training.csv; a run that is in results/subset_training/ is read."""
import sys, time
from pathlib import Path
import pandas as pd, torch
from fastai.vision.all import *
from machine import cpu
from fastai_boost.all import *
from fastai_boost.data import settings_hash, write_whole
from fastai_boost.experiment import RunRecord, _learner

torch.set_num_threads(1)
results = Path(__file__).parent.parent/'results'
n,epochs,start = 2000,12,3
rows = start*n+(epochs-start)*n*1.4
arms = dict(plain=(None,epochs), plain_equal=(None,round(rows/n)), uniform=(dict(score='random', policy='uniform'),epochs), influence=({},epochs), influence_down=(dict(downweight=True),epochs),
    record=(dict(score='record'),epochs), all=(dict(frac=1., score='random'),epochs), all_in_place=(dict(frac=1., score='random', append=False, p=1., start=0),epochs), all_equal=(dict(frac=1., score='random', start=1),round(1+(rows/n-1)/5)))

class Seconds(Callback):
    order,total = -20,0.   # before the items are scored
    def before_train(self): self.start = time.process_time()
    def after_train(self): self.total += time.process_time()-self.start

def run(name, seed, out):
    method,epoch = arms[name]
    method = None if method is None else dict(start=start, tfms='translate') | method
    settings = dict(name=name, seed=seed, n_train=n, epoch=epoch, method=method)
    fn = out/f'{name}-seed{seed}-{settings_hash(settings)}.csv'
    if fn.exists(): return pd.read_csv(fn)
    set_seed(seed, reproducible=True)
    cb = RunRecord()
    learn = _learner(boost_dls('cifar10', bs=128, n_train=n, seed=seed, augment=False), 'small', .1, 1e-4, [cb,(sec := Seconds())])
    if method is not None: learn.augment_subset(**method)
    learn.fit_one_cycle(epoch, .1)
    df = pd.DataFrame(cb.rows).assign(name=name, seed=seed, seconds=sec.total)
    write_whole(fn, df.to_csv(index=False))
    return df

def main(seeds=3):
    todo,out = [(nm,s) for s in range(1, seeds+1) for nm in arms],results/'subset_training'
    dfs = [run(*o, out) for o in progress_bar(todo)]
    last = pd.concat([d.tail(1) for d in dfs])
    g = last.groupby('name', sort=False)
    df = g.agg(runs=('seed','size'), accuracy=('accuracy','mean'), sd=('accuracy','std'), valid_loss=('valid_loss','mean'), train_loss=('train_loss','mean'), epochs=('epoch','mean'), rows=('backward_rows','mean'), seconds=('seconds','mean'))
    df = df.round(dict(accuracy=4, sd=4, valid_loss=3, train_loss=3, seconds=1)).assign(threads=1, cpu=cpu(), torch=torch.__version__)
    df.to_csv(results/'subset_training.csv')
    print(df.iloc[:,:8].to_string())

if __name__=='__main__': main(*map(int, sys.argv[1:]))
