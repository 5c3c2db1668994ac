"""What a search costs beside its training: start-up, what comes between the epochs at each point where trials take
over, and the end, for epochs of 2, 10 and 60 seconds.

    python benchmarks/search_overhead.py

A WRN-28-2 (1.5 million parameters) trains on 64 digits. Its epochs are stretched to their length by sleep, so that
other work on the machine hardly counts. There are two slots, 6 epochs, and takeovers at the third; as many trials as
slots, or twice as many; asynchronous or not. Searches with epochs of 2 s run alone. The others, which sleep, run up to
four at a time, begun 10 s apart, so their start-up is not that of a quiet machine. Each search has its own process,
and Ray's workers have its priority (Ray's own setting is 15 lower). All times are in seconds. `start_up` ends with the
first training step, `start_up_cpu` is what all processes used by then, `per_point` is for a slot, waiting included,
`load` is that of the machine before. The table has medians. Writes results/search_overhead.csv."""
import json, os, psutil, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Thread
import numpy as np, pandas as pd, torch, fastai
from fastai.vision.all import *
from fastai_boost.augment.search import search_schedule
from fastai_boost.experiments.data import boost_dls
from fastai_boost.experiments.models import make_model
from fastai_boost.experiments.runs import cpu_name

out = Path(__file__).parent.parent/'results'/'search_overhead.csv'
slots,n_epochs,every = 2,6,3

class Stretch(Callback):
    "Let the training steps of an epoch take `secs`; note when they begin and end, and in which process"
    def __init__(self, secs, folder): store_attr()
    def before_train(self):
        self.start = time.time()
        (Path(self.folder)/'begun').touch()
    def after_batch(self):
        if not self.training: return
        end = self.start+self.secs*(self.iter+1)/self.n_iter
        time.sleep(max(0, end-time.time()))
    def after_train(self):
        with open(f'{self.folder}/{os.getpid()}.txt', 'a') as f: print(self.start, time.time(), file=f)

def cpu_until(file, res):
    "Put the CPU seconds in `res` that this process and all below it had used when `file` came"
    while not file.exists(): time.sleep(.05)
    me = psutil.Process()
    for p in (me,*me.children(recursive=True)):
        with suppress(psutil.Error): res.append(sum(p.cpu_times()[:2]))

def learner_maker(secs, folder):
    "A `get_learner` whose epochs take `secs`, with notes in `folder`"
    def get_learner(policy):
        torch.set_num_threads(1)
        dls = boost_dls('digits', bs=32, n_train=64, n_valid=32)
        net = make_model('wrn_28_2', dls.one_batch()[0].shape[1], dls.c)
        return Learner(dls, net, metrics=accuracy, cbs=Stretch(secs, folder)).pba(policy)
    return get_learner

def search(secs, population, synch, seed):
    "One search, measured"
    with tempfile.TemporaryDirectory() as folder:
        start,used,cpus = time.time(),time.process_time(),[]
        Thread(target=cpu_until, args=(Path(folder)/'begun',cpus), daemon=True).start()
        res = search_schedule(
            learner_maker(secs, folder), n_epochs, population, every, resources=dict(cpu=os.cpu_count()//slots),
            storage_path=f'{folder}/search', seed=seed, synch=synch)
        end = time.time()
        logs = [np.loadtxt(o, ndmin=2) for o in Path(folder).glob('*.txt')]
    begins,ends = np.concatenate(logs).T
    steps = (ends-begins).sum()/slots
    points = (n_epochs-1)//every*population//slots
    fits = res.history().seconds.sum()/slots
    return dict(
        wall=end-start, start_up=begins.min()-start, start_up_cpu=sum(cpus)-used,
        per_point=(ends.max()-begins.min()-fits)/points, at_end=end-ends.max(), training_steps=steps,
        outside_steps=1-steps/(end-start), processes=len(logs), takeovers=len(res.state['events']))

def measure(secs, population, synch, seed, wait):
    "One search in a process of its own, begun after `wait` seconds"
    time.sleep(wait)
    load = os.getloadavg()[0]
    cmd = [sys.executable, __file__, *map(str, (secs, population, int(synch), seed))]
    out = subprocess.run(cmd, capture_output=True, text=True, env=os.environ|dict(RAY_worker_niceness='0'))
    try: res = json.loads(out.stdout.splitlines()[-1])
    except (IndexError,ValueError): raise RuntimeError(out.stderr)
    print(secs, population, synch, seed, res, flush=True)
    return dict(epoch_seconds=secs, trials=population, synch=synch, seed=seed, **res, load=load)

def summary(df):
    "Medians of the repeats"
    groups = df.drop(columns='seed').groupby(['epoch_seconds','trials','synch'])
    seconds = ('wall','start_up','start_up_cpu','per_point','at_end','training_steps','load')
    res = groups.median().round(dict(outside_steps=3)|{k:2 for k in seconds})
    outside = groups.outside_steps
    return res.assign(
        outside_min=outside.min().round(3), outside_max=outside.max().round(3), repeats=groups.size()).reset_index()

def main():
    modes = [(n,synch) for n in (slots,2*slots) for synch in (False,True)]
    alone = [(2,*m,seed,0) for seed in range(3) for m in modes]
    asleep = [(secs,*m,seed) for secs,k in ((60,1),(10,3)) for seed in range(k) for m in modes]
    waits = [10*i if i<4 else 0 for i in range(len(asleep))]
    rows = [measure(*o) for o in alone]
    with ThreadPoolExecutor(4) as pool: rows += pool.map(lambda o: measure(*o), [(*o,w) for o,w in zip(asleep, waits)])
    write(rows)

def write(rows):
    import ray
    versions = dict(ray=ray.__version__, torch=torch.__version__, fastai=fastai.__version__)
    machine = dict(threads=1, cores=os.cpu_count(), cpu=cpu_name())
    df = summary(pd.DataFrame(rows)).assign(slots=slots, epochs=n_epochs, every=every, **machine, **versions)
    df.to_csv(out, index=False)
    print(df.iloc[:,:16].to_string(index=False))

if __name__=='__main__':
    if len(sys.argv)==1: main()
    else:
        secs,population,synch,seed = map(int, sys.argv[1:])
        print(json.dumps(search(secs, population, bool(synch), seed)))
