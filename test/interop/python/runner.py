import json, os, sys, traceback
from core import Err

V = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../vectors')


def load(n):
    return json.load(open(os.path.join(V, n)))


class T:
    def __init__(self, name):
        self.name, self.n, self.bad, self.groups = name, 0, [], {}

    def case(self, group, name, f):
        self.n += 1
        g = self.groups.setdefault(group, [0, 0])
        try:
            f()
            g[0] += 1
        except Exception as e:
            g[1] += 1
            msg = f'{type(e).__name__}: {e}'
            if not isinstance(e, (AssertionError, Err)):
                msg += ' ' + traceback.format_exc().splitlines()[-3].strip()
            self.bad.append((group, name, msg))

    def report(self, verbose=True):
        print(
            f'{self.name:22} passed {self.n - len(self.bad):5}  failed {len(self.bad):4}   '
            + ', '.join(f'{k} {a}/{a + b}' for k, (a, b) in self.groups.items())
        )
        if verbose:
            for g, n, m in self.bad[:40]:
                print('   FAIL', g, repr(n), m[:300])
        return len(self.bad)


def eq(got, want, what=''):
    if got != want:
        a, b = repr(got), repr(want)
        raise AssertionError(f'{what}: got {a[:150]} want {b[:150]}')


def refused(f, want):
    try:
        f()
    except Err as e:
        return eq(e.id, want, 'error')
    raise AssertionError(f'accepted, want {want}')
