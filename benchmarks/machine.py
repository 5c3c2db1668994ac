"What the benchmarks write about the machine"
import platform

def cpu():
    "Name of the processor"
    try: return next(o.split(':')[1].strip() for o in open('/proc/cpuinfo') if o.startswith('model name'))
    except (OSError,StopIteration): return platform.processor() or platform.machine()
