# The client in Python: no library of ours, but clients/xlink.py, which signs requests by RFC 9421 and checks the signed answers.
import json
import os
import random
import sys
import tempfile
import threading
import time

import requests

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), '../../../clients'))
from xlink import XlinkAuth, enroll, load_key  # noqa: E402

PRODUCTS = ['espresso-1kg', 'filter-250g', 'paper-filters']

told = json.loads(sys.stdin.readline())
url, api_key, think = told['url'], told['apiKey'], told['thinkMs'] / 1000
auth = None


def report(**message):
    print(json.dumps(message), flush=True)


def listen():
    """What the story tells this client; when it is gone, so is the client."""
    global auth
    for line in sys.stdin:
        if json.loads(line)['type'] == 'move':
            service = requests.get(f'{url}/.well-known/xlink.json').json()['did']
            with tempfile.TemporaryDirectory() as folder:
                key = load_key(os.path.join(folder, 'key.pem'))
            enroll(url, service, key, api_key)
            auth = XlinkAuth(key, service)
    os._exit(0)


threading.Thread(target=listen, daemon=True).start()
while True:
    used = auth
    body = {'product': random.choice(PRODUCTS), 'quantity': random.randint(1, 3)} if random.random() < 0.4 else None
    method, status = ('POST', 201) if body else ('GET', 200)
    headers = {} if used else {'X-API-Key': api_key}
    try:
        answer = requests.request(method, f'{url}/orders', json=body, headers=headers, auth=used)
        if answer.status_code == 401 and not used:
            report(type='turned-away', code=answer.json()['code'])
        elif answer.status_code == status:
            report(type='served', method=method, credential='xlink' if used else 'api-key')
        else:
            report(type='failed', reason=f'{method} /orders: {answer.status_code} {answer.text}')
    except Exception as error:
        report(type='failed', reason=f'{method} /orders: {error}')
    time.sleep(think * random.uniform(0.5, 1.5))
