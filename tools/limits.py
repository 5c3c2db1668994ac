"Check the limits that CONTRIBUTING.md names, on the files that git has or would take"
import re, subprocess, sys
from pathlib import Path
from fastcore.nbio import read_nb

root = Path(__file__).resolve().parent.parent
MAX_LINES,MAX_MB = 40,2
todo = re.compile(r'\b(TO'+'DO|FIX'+r'ME)\b|\bNotImpl'+'ementedError')             # split, so that this file passes
machine = re.compile(r'(?<![\w.~/:-])/(?:'+'|'.join(('work','root','home','tmp'))+r')/[\w.-]')

def files():
    out = subprocess.run(['git','ls-files','-z','--cached','--others','--exclude-standard'], cwd=root, capture_output=True, text=True, check=True)
    return [p for o in out.stdout.split('\0') if o and (p := root/o).is_file()]

def exported(p):
    "Lines of each exported cell, directives and blank lines apart"
    for c in read_nb(p).cells:
        if c.cell_type=='code' and re.search(r'^#\|\s*export[si]?\b', c.source, re.M):
            yield [l for l in c.source.splitlines() if l.strip() and not l.startswith('#|')]

def problems(p):
    "What is wrong with the file `p`"
    name = p.relative_to(root).as_posix()
    if (mb := p.stat().st_size/2**20)>MAX_MB: yield f'{mb:.1f} MB, {MAX_MB} at most'
    if p.suffix=='.ipynb': yield from (f'exported cell of {len(o)} lines, {MAX_LINES} at most: {o[0]}' for o in exported(p) if len(o)>MAX_LINES)
    try: txt = p.read_text(encoding='utf-8')
    except UnicodeDecodeError: return
    if 'site_libs/' in name: return   # not ours
    txt = re.sub(r'[A-Za-z0-9+/=]{200,}', '', txt)   # embedded pictures
    for n,l in enumerate(txt.splitlines(), 1):
        if name.startswith(('nbs/','fastai_boost/')) and (m := todo.search(l)): yield f'line {n}: {m[0]}'
        if m := machine.search(l): yield f'line {n}: path of one machine, {l[m.start():m.end()+30].strip()}'

bad = [f'{p.relative_to(root)}: {o}' for p in files() for o in problems(p)]
print('\n'.join(bad+[f'{len(bad)} limits broken']))
sys.exit(bool(bad))
