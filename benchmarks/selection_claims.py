"""Does selection pay? Every method against plain training of the same cost, and against a random control.

    python benchmarks/selection_claims.py                      # all settings, two runs at a time: about two hours on two cores
    python benchmarks/selection_claims.py noise long           # some of them: cifar10_12800, cifar10_50000, long, noise

Runs that are complete are read, not repeated. Writes results/selection/<setting>/ (a CSV per run) and results/selection/<setting>.csv (the last epoch of each run)."""
import os, sys
os.environ['OMP_NUM_THREADS'] = '1'
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
import pandas as pd, torch
from fastai_boost.experiment import train

root,out = Path(__file__).parent.parent,Path('results/selection')
seeds = 1,2,3
kw = dict(cifar10_12800=dict(n_train=12800, epoch=30), cifar10_50000=dict(epoch=10), long=dict(n_train=4000, epoch=150), noise=dict(n_train=12800, epoch=30, noise=.4))
plain_epochs = dict(cifar10_12800=(12,18,21,30), cifar10_50000=(7,10), long=(100,150), noise=(21,30))   # plain training of less and of equal cost
names = dict(cifar10_12800=['batch_loss_filter','batch_loss_filter_stale','batch_loss_filter_auto','selective_backprop','selective_backprop_stale','infobatch'],
             cifar10_50000=['batch_loss_filter_stale','infobatch'], long=['batch_loss_filter','infobatch'],
             noise=['batch_loss_filter','selective_backprop','infobatch'])

def run(name, setting, **more):
    torch.set_num_threads(1)
    return train(name, batch_size=128, out=str(out/setting), **{**kw[setting], **more})

def like(setting, seed): return str(next(iter((out/setting).glob(f'batch_loss_filter-seed{seed}-*.csv'))))

def jobs(setting, ex):
    "Submit the runs of a setting; the random control waits for the filter that it imitates"
    for seed in seeds:
        for e in plain_epochs[setting]: yield ex.submit(run, 'baseline', setting, seed=seed, epoch=e)
        runs = [ex.submit(run, name, setting, seed=seed) for name in names[setting]]
        yield from runs
        if setting=='cifar10_12800':
            runs[0].result()
            yield ex.submit(run, 'random_filter', setting, seed=seed, like=like(setting, seed))

def main(settings):
    os.chdir(root)
    with ProcessPoolExecutor(2) as ex:
        for setting in settings:
            df = pd.concat([o.result().iloc[[-1]] for o in list(jobs(setting, ex))], ignore_index=True)
            df.sort_values(['name','epoch','seed']).to_csv(out/f'{setting}.csv', index=False)
            print(setting, df.groupby(['name','epoch'])[['accuracy','valid_loss','seconds','forward_rows','backward_rows']].mean().round(4), sep='\n', flush=True)

if __name__=='__main__': main(sys.argv[1:] or list(kw))
