"Everything about the package comes from settings.ini"
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup, find_packages

here = Path(__file__).parent
ini = ConfigParser(delimiters=['='], interpolation=None)
ini.read(here/'settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']

def lines(k): return [o.strip() for o in cfg.get(k, '').splitlines() if o.strip()]

extras = {k: lines(f'{k}_requirements') for k in ('search','models')}
licenses = dict(apache2='Apache-2.0', mit='MIT')
statuses = [
    '1 - Planning', '2 - Pre-Alpha', '3 - Alpha', '4 - Beta', '5 - Production/Stable', '6 - Mature', '7 - Inactive']

setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    long_description=(here/'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author=cfg['author'], author_email=cfg['author_email'],
    license_expression=licenses[cfg['license']], license_files=['LICENSE'],
    keywords=cfg['keywords'].split(),
    classifiers=[
        f"Development Status :: {statuses[int(cfg['status'])-1]}",
        f"Intended Audience :: {cfg['audience']}",
        f"Natural Language :: {cfg['language']}",
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3 :: Only'],
    python_requires=f">={cfg['min_python']}",
    install_requires=lines('requirements'),
    extras_require=dict(**extras, dev=lines('dev_requirements') + sum(extras.values(), [])),
    package_data={f"{cfg['lib_path']}.augment": ['schedules/*.json']},
    packages=find_packages(include=[cfg['lib_path'], cfg['lib_path']+'.*']),
)
