"""Judges the answers of test/vectors/signature/answers.json: prints the names of those that are taken."""
import json
import re
import sys

import xlink

file = json.load(open(sys.argv[1]))


def verdict(case):
    request = case.get('request', file['request'])
    headers = xlink.lower(dict(request['headers']))
    path, _, query = request['target'].partition('?')
    asked = {
        '@method': request['method'],
        '@path': path,
        '@query': '?' + query,
        'service': file['service']['did'],
        'signature': re.match(r'xlink=(:[^:]*:)', headers['signature'])[1],
        'nonce': re.search(r'nonce="([^"]*)"', headers['signature-input'])[1],
    }
    answer = {}
    for name, value in case['headers']:
        name = name.lower()
        answer[name] = answer[name] + ', ' + value if name in answer else value
    try:
        xlink.check(asked, case['status'], answer, case['body'].encode())
        return True
    except xlink.AnswerNotSigned:
        return False


print(json.dumps([case['name'] for case in file['good'] + file['bad'] if verdict(case)]))
