"""What the test of clients/xlink.py runs: refusals that the API does not sign, and an answer that it never signs. Prints JSON."""
import json
import sys

import xlink

url, service, api_key, library = sys.argv[1:]
if library == 'httpx':
    xlink.requests = None
    import httpx as http
    Auth = xlink.XlinkHttpxAuth
else:
    import requests as http
    Auth = xlink.XlinkAuth
key = xlink.load_key('xlink-key.pem')


def said(call):
    try:
        call()
    except xlink.AnswerNotSigned as error:
        return [error.status, error.code, bool(error.title), error.code in str(error) if error.code else str(error)]
    except xlink.EnrollmentRefused as error:
        return ['signed', error.status, error.code]


print(json.dumps({
    'wrong key': said(lambda: xlink.enroll(url, service, key, 'wrong-key')),
    'bad invitation': said(lambda: xlink.enroll(url, service, key, 'xinv_abc')),
    'key': said(lambda: xlink.enroll(url, service, key, api_key)),
    'unknown identity': said(lambda: http.get(url + '/orders', auth=Auth(xlink.Ed25519PrivateKey.generate(), service))),
    'open path': said(lambda: http.get(url + '/health', auth=Auth(key, service))),
    'open path, unsigned_ok': http.get(url + '/health', auth=Auth(key, service, unsigned_ok=True)).status_code,
}))
