import sys, os, threading
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.set_int_max_str_digits(0)


def main():
    import t_basic
    jobs = {'identity.json': t_basic.identity, 'key-record.json': t_basic.key_record, 'succession.json': t_basic.succession, 'request-binding.json': t_basic.request_binding}
    import t_env
    for n in ('v1.json', 'v2.json', 'v3.json', 'signed-only.json'):
        jobs[n] = lambda n=n: t_env.run(n)
    for mod, n in (('t_answers', 'answers.json'), ('t_discovery', 'discovery.json'), ('t_shares', 'shares.json')):
        try:
            m = __import__(mod)
            jobs[n] = m.run
        except ModuleNotFoundError as e:
            print('no', mod, e)
    import t_text
    jobs['PROTOCOL.md'] = t_text.run
    want = sys.argv[1:]
    bad = 0
    for n, f in jobs.items():
        if not want or any(w in n for w in want):
            bad += f().report()
            sys.stdout.flush()
    global rc
    rc = 1 if bad else 0


rc = 2
sys.setrecursionlimit(200000)
threading.stack_size(1 << 29)
t = threading.Thread(target=main)
t.start(); t.join()
sys.exit(rc)
