"""What the test of clients/xlink.py runs: a day of a customer, with requests and with httpx. Prints JSON."""
import json
import sys

import httpx
import requests

import xlink

url, service, api_key, library = sys.argv[1:]
key = xlink.load_key('xlink-key.pem')
did = xlink.enroll(url, service, key, api_key)['did']
if library == 'requests':
    auth = dict(auth=xlink.XlinkAuth(key, service))
    call = requests.request
else:
    auth = dict(auth=xlink.XlinkHttpxAuth(key, service))
    call = httpx.request
created = call('POST', url + '/orders', json={'product': 'espresso-1kg', 'quantity': 2}, **auth)
order = created.json()['id']
listed = call('GET', url + '/orders', params={'q': 'a b/ü', 'limit': 5}, headers={'If-None-Match': '"x"'}, **auth)
document = bytes(at % 251 for at in range(20000))
put = call('PUT', '%s/orders/%d/document' % (url, order), data=document, headers={'Content-Type': 'a/b'}, **auth) if library == 'requests' else call(
    'PUT', '%s/orders/%d/document' % (url, order), content=document, headers={'Content-Type': 'a/b'}, **auth)
got = call('GET', '%s/orders/%d/document' % (url, order), **auth)
gone = call('DELETE', '%s/orders/%d' % (url, order), **auth)
missing = call('GET', '%s/orders/%d' % (url, order), **auth)
print(json.dumps({
    'did': did,
    'statuses': [each.status_code for each in (created, listed, put, got, gone, missing)],
    'orders': len(listed.json()['orders']),
    'same': got.content == document,
}))
