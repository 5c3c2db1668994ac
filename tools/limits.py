"Check the limits that CONTRIBUTING.md names, on the files that git has or would take"
import ast, re, statistics, subprocess, sys
from pathlib import Path
from fastcore.nbio import read_nb

root = Path(__file__).resolve().parent.parent
MAX_LINES = 40     # of an exported cell
MAX_MEDIAN = 12    # lines, over the exported cells of a notebook
MAX_CELLS = 5      # exported cells that a class may be spread over
MAX_COLUMNS = 120
MAX_MODULE = 500   # lines
MAX_MB = 2

# These patterns are split, so that this file passes its own check.
todo = re.compile(r'\b(TO'+'DO|FIX'+r'ME)\b|\bNotImpl'+'ementedError')
machine = re.compile(r'(?<![\w.~/:-])/(?:'+'|'.join(('work','root','home','tmp'))+r')/[\w.-]')

def files():
    "All files that git tracks or would take"
    cmd = ['git','ls-files','-z','--cached','--others','--exclude-standard']
    out = subprocess.run(cmd, cwd=root, capture_output=True, text=True, check=True)
    return [p for name in out.stdout.split('\0') if name and (p := root/name).is_file()]

def code_cells(path):
    "(source, is it exported?) of each code cell"
    for cell in read_nb(path).cells:
        if cell.cell_type=='code': yield cell.source, bool(re.search(r'^#\|\s*export[si]?\b', cell.source, re.M))

def n_lines(source):
    "Lines of a cell, without directives and blank lines"
    return sum(bool(line.strip()) and not line.startswith('#|') for line in source.splitlines())

def classes_in(source):
    "The classes that a cell defines, or to which it adds a method with `@patch`"
    for class_ in re.findall(r'^class (\w+)', source, re.M): yield class_
    for class_ in re.findall(r'^def \w+\((?:self|cls)\s*:\s*(\w+)', source, re.M): yield class_

def notebook_problems(path):
    "What makes a notebook hard to read"
    cells = list(code_cells(path))
    exported = [source for source,is_exported in cells if is_exported]
    sizes = [n_lines(source) for source in exported]
    for source,size in zip(exported, sizes):
        if size>MAX_LINES: yield f'exported cell of {size} lines, {MAX_LINES} at most: {source.splitlines()[1]}'
    if sizes and statistics.median(sizes)>MAX_MEDIAN:
        yield f'the median exported cell has {statistics.median(sizes)} lines, {MAX_MEDIAN} at most'
    for source,_ in cells:
        for line in source.splitlines():
            if len(line)>MAX_COLUMNS: yield f'{len(line)} columns, {MAX_COLUMNS} at most: {line.strip()[:60]}'
    own = set(re.findall(r'^class (\w+)', '\n'.join(exported), re.M))   # other people's classes don't count
    for class_ in sorted(own):
        spread = sum(class_ in set(classes_in(source)) for source in exported)
        if spread>MAX_CELLS: yield f'class {class_} is spread over {spread} exported cells, {MAX_CELLS} at most'

def imported_private_names(path):
    "Names with a leading underscore that a module takes from another module of this package"
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        ours = isinstance(node, ast.ImportFrom) and (node.level or (node.module or '').startswith('fastai_boost'))
        if ours: yield from (o.name for o in node.names if o.name.startswith('_'))

def python_problems(path):
    "What makes a Python file hard to read"
    name = path.relative_to(root).as_posix()
    lines = path.read_text(encoding='utf-8').splitlines()
    for n,line in enumerate(lines, 1):
        if line.startswith(('# %%','__all__ = ')): continue   # nbdev writes these
        if len(line)>MAX_COLUMNS: yield f'line {n}: {len(line)} columns, {MAX_COLUMNS} at most'
    if name.startswith('fastai_boost/'):
        if len(lines)>MAX_MODULE: yield f'{len(lines)} lines, {MAX_MODULE} at most'
        for private in imported_private_names(path): yield f'imports the private name {private} of another module'

def text_problems(path):
    "Open ends, and paths of one machine"
    name = path.relative_to(root).as_posix()
    if 'site_libs/' in name: return   # not ours
    try: text = path.read_text(encoding='utf-8')
    except UnicodeDecodeError: return
    text = re.sub(r'[A-Za-z0-9+/=]{200,}', '', text)   # embedded pictures
    for n,line in enumerate(text.splitlines(), 1):
        if name.startswith(('nbs/','fastai_boost/','tests/')) and (m := todo.search(line)): yield f'line {n}: {m[0]}'
        if m := machine.search(line): yield f'line {n}: path of one machine, {line[m.start():m.end()+30].strip()}'

def problems(path):
    "What is wrong with the file `path`"
    megabytes = path.stat().st_size/2**20
    if megabytes>MAX_MB: yield f'{megabytes:.1f} MB, {MAX_MB} at most'
    if path.suffix=='.ipynb': yield from notebook_problems(path)
    if path.suffix=='.py' and path.name!='_modidx.py': yield from python_problems(path)
    yield from text_problems(path)

bad = [f'{path.relative_to(root)}: {problem}' for path in files() for problem in problems(path)]
print('\n'.join(bad+[f'{len(bad)} limits broken']))
sys.exit(bool(bad))
