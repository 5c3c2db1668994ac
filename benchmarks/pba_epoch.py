"""What the policies cost in training: seconds of an epoch over those of plain training (shifts and flips), in the same round.

    python benchmarks/pba_epoch.py

2,000 images of CIFAR-10, a small convnet, one thread, batches of 128; PBA at its last and strongest policy. CPU seconds of training alone, median and range of the rounds.
Writes results/pba_epoch.csv."""
import time
from pathlib import Path
import pandas as pd, torch
from machine import cpu
from fastai.vision.all import *
from fastai_boost.all import *
from fastai_boost.experiment import _cutout, _learner

torch.set_num_threads(1)
out = Path(__file__).parent.parent/'results'/'pba_epoch.csv'

class Seconds(Callback):
    def before_train(self): self.start = time.process_time()
    def after_train(self): self.got = time.process_time()-self.start
    def before_validate(self): raise CancelValidException

def main(rounds=9):
    policies = dict(plain=None, cutout=None, pba=Schedule.named('rcifar10').at(199), randaugment=Policy.randaugment(), autoaugment=Policy.autoaugment())
    learners = {}
    for k,p in policies.items():
        learn = learners[k] = _learner(boost_dls('cifar10', bs=128, n_train=2000), 'small', .1, 1e-4, [Seconds()])
        if k!='plain': _cutout(learn)
        if p: learn.pba(p, order='repo', relative=True)
    def epoch(learn): learn.fit(1, .01); return learn.seconds.got
    for l in learners.values(): epoch(l)
    res = pd.DataFrame([{k:epoch(l) for k,l in learners.items()} for _ in range(rounds)])
    ratio = res.div(res.plain, axis=0)
    df = pd.DataFrame(dict(seconds=res.median(), over_plain=ratio.median(), ratio_min=ratio.min(), ratio_max=ratio.max())).round(3).rename_axis('what').assign(rounds=rounds, threads=1, cpu=cpu(), torch=torch.__version__)
    df.to_csv(out)
    print(df.iloc[:,:5].to_string())

if __name__=='__main__': main()
