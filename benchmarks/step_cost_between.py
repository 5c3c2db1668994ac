"""Do steps cost more than in an earlier version of the package? Counts and times the steps of two folders of sources.

    git worktree add ../before v0.1.0
    python benchmarks/step_cost_between.py ../before .
    python benchmarks/step_cost_between.py ../before . --pairs=0    # counts only, some four minutes

For each arm of `mixup_cost.py`, `batchboost_overhead.py` and `selection_cost.py`, of plain training and of the methods
that augment, in both versions:

- the operations, allocated bytes and synchronisations of a step, counted (`step_counts.py` says how); `more` names
  those that rose
- the CPU seconds of a few steps, of one version and then of the other: A B, B A, A B. The ratio, later over earlier, is
  taken pair by pair; `rise` is where the 95 % interval of its median lies above 1.01. Plain training is the same in
  both versions, so its row shows the error of the measurement. Processes of one program differ in speed by chance, so
  there are several of each version.

Writes results/step_cost.csv."""
import json, os, subprocess, sys
from pathlib import Path
import pandas as pd
from fastcore.script import call_parse
from step_counts import commit_of, interval, machine_columns, root

program = Path(__file__).resolve().parent/'step_worker.py'

class Worker:
    "A process that imports the package from the folder `tree`, and runs steps when it is told to"
    def __init__(self, tree):
        env = dict(os.environ, PYTHONPATH=str(tree), OMP_NUM_THREADS='1')
        cmd = [sys.executable, '-W', 'ignore', program]
        self.process = subprocess.Popen(cmd, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.about = self.answer()
        package = Path(self.about['package']).resolve()
        if Path(tree).resolve() not in package.parents: raise SystemExit(f'Not {tree} is imported, but {package}')

    def ask(self, **what):
        self.process.stdin.write(json.dumps(what)+'\n')
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line: raise SystemExit('A worker ended: its error stands above')
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        self.process.wait()

def timed_pairs(workers, arm, pairs, steps):
    "Ratios of the seconds of the second worker to those of the first, in turn"
    for worker in workers: worker.ask(what='time', arm=arm)   # until both stand before the first timed step
    ratios = []
    for pair in range(pairs):
        seconds = {}
        for i in (0,1) if pair%2==0 else (1,0): seconds[i] = workers[i].ask(steps=steps)
        ratios.append(seconds[1]/seconds[0])
    for worker in workers: worker.ask(steps=0)
    return ratios

def compared(arm, workers):
    "The counts of both workers, and which of them rose"
    before,after = [worker.ask(what='count', arm=arm) for worker in workers]
    sides = {f'{k}_{side}':v for k in before for side,v in (('before',before[k]),('after',after[k]))}
    return dict(arm=arm, **sides, more=' '.join(k for k in before if after[k]>before[k]))

@call_parse
def main(
    before:str, # Folder of the earlier sources
    after:str, # Folder of the later ones
    pairs:int=40, # Timed pairs for each arm; 0: only count
    rounds:int=4, # So many pairs of processes share them
    steps:int=4, # Steps that are timed at once
    arms:str=None # Names of some arms, with commas between; all if not given
):
    "Compare what steps cost in two versions of the package"
    trees = before,after
    ratios,counted = {},[]
    for round_ in range(rounds if pairs else 1):
        workers = [Worker(tree) for tree in trees]
        names = arms.split(',') if arms else workers[0].about['arms']
        for name in names:
            if round_==0: counted.append(compared(name, workers))
            if pairs: ratios.setdefault(name, []).extend(timed_pairs(workers, name, pairs//rounds, steps))
            print(f'round {round_+1}: {name}', flush=True)
        for worker in workers: worker.end()
    df = pd.DataFrame(counted)
    if pairs:
        times = pd.DataFrame([dict(arm=name, **interval(r), pairs=len(r)) for name,r in ratios.items()])
        df = df.merge(times.assign(rise=times.ratio_low>1.01))
    about = {f'{k}_{side}':v for side,worker,tree in zip(('before','after'), workers, trees)
             for k,v in (('version',worker.about['version']),('commit',commit_of(tree)))}
    df = df.assign(rows_counted=32, rows_timed=128, threads=1, **about, **machine_columns('torch','fastai'))
    df.to_csv(root/'results'/'step_cost.csv', index=False)
    print(df.loc[:,:'rows_counted'].drop(columns='rows_counted').to_string(index=False))
