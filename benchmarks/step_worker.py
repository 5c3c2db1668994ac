"""Counts and times the steps that `step_cost_between.py` asks for, with the package that it finds first.

A question is a line of JSON, and so is an answer."""
import json, sys, time
import torch, fastai_boost
from fastai.vision.all import Callback, CancelFitException
import batchboost_overhead, mixup_cost, selection_cost
from step_counts import count_steps, small_learner

torch.set_num_threads(1)
to_parent,sys.stdout = sys.stdout,sys.stderr   # what a library prints is no answer
arms = dict(   # arguments of `small_learner`
    plain={}, **mixup_cost.arms, **batchboost_overhead.arms, **selection_cost.arms,
    pba=dict(one_liner='pba', schedule=[10,9]*15+[5,5]*15, stats=[[0.]*3,[1.]*3]),
    augment_subset=dict(one_liner='augment_subset', frac=.3, score='random', tfms='translate'))

def answer(o): print(json.dumps(o), file=to_parent, flush=True)

class StopAndGo(Callback):
    "After a first epoch: train as many steps as are asked for, answer with their CPU seconds, and wait"
    order,run_valid = -99,False
    left = start = 0
    def before_batch(self):
        if self.epoch==0: return
        self.left -= 1
        if self.left>0: return
        answer(time.process_time()-self.start)
        self.left = json.loads(sys.stdin.readline())['steps']
        if not self.left: raise CancelFitException
        self.start = time.process_time()

def train(arm):
    "Train `arm` as far as is asked for"
    learn = small_learner(**arms[arm], steps=16, cbs=StopAndGo)
    with learn.no_bar(), learn.no_logging(): learn.fit(20)
    answer('done')

answer(dict(package=fastai_boost.__file__, version=fastai_boost.__version__, arms=[*arms]))
while line := sys.stdin.readline():
    asked = json.loads(line)
    if asked['what']=='count': answer(count_steps(**arms[asked['arm']]))
    else: train(asked['arm'])
