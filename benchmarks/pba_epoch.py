"""What the policies cost in training: seconds of an epoch over those of plain training (shifts and flips), in the same
round.

    python benchmarks/pba_epoch.py

2,000 images of CIFAR-10, a small convnet, one thread, batches of 128; PBA at its last and strongest policy. CPU seconds
of training alone, median and range of the rounds. Writes results/pba_epoch.csv."""
import time
from pathlib import Path
import pandas as pd, torch
from fastai.vision.all import *
from fastai_boost.augment.pba import Cutout   # also brings `learn.pba`
from fastai_boost.augment.policy import Policy, Schedule
from fastai_boost.experiments.data import boost_dls
from fastai_boost.experiments.runs import cpu_name, silent_learner

torch.set_num_threads(1)
out = Path(__file__).parent.parent/'results'/'pba_epoch.csv'

class Seconds(Callback):
    "CPU seconds of the training part of an epoch"
    def before_train(self): self.start = time.process_time()
    def after_train(self): self.got = time.process_time()-self.start
    def before_validate(self): raise CancelValidException

def learner(name, policy):
    "A small net on 2,000 images, with cutout unless it is plain, and with the policy if there is one"
    learn = silent_learner(boost_dls('cifar10', bs=128, n_train=2000), 'small', cbs=[Seconds()])
    if name!='plain': learn.dls.train.after_batch.add(Cutout())
    if policy: learn.pba(policy, order='repo', relative=True)
    return learn

def epoch(learn):
    learn.fit(1, .01)
    return learn.seconds.got

def main(rounds=9):
    strongest = Schedule.named('rcifar10').at(199)
    policies = dict(
        plain=None, cutout=None, pba=strongest, randaugment=Policy.randaugment(), autoaugment=Policy.autoaugment())
    learners = {name:learner(name, policy) for name,policy in policies.items()}
    for learn in learners.values(): epoch(learn)   # warm
    res = pd.DataFrame([{name:epoch(learn) for name,learn in learners.items()} for _ in range(rounds)])
    ratio = res.div(res.plain, axis=0)
    df = pd.DataFrame(dict(
        seconds=res.median(), over_plain=ratio.median(), ratio_min=ratio.min(), ratio_max=ratio.max()))
    df = df.round(3).rename_axis('what').assign(rounds=rounds, threads=1, cpu=cpu_name(), torch=torch.__version__)
    df.to_csv(out)
    print(df.iloc[:,:5].to_string())

if __name__=='__main__': main()
