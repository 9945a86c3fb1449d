"""Plays the vectors of test/vectors: python3 run.py [part of a name …]. Prints a line for each file and what failed; exits with 1 if anything did."""

import sys
import threading

import play_answers, play_checkpoints, play_discovery, play_envelopes, play_identities, play_page, play_receipts, play_sessions, play_shares

JOBS = {
    'identity.json': play_identities.identity,
    'key-record.json': play_identities.key_record,
    'succession.json': play_identities.succession,
    'request-binding.json': play_identities.request_binding,
    **{
        name: lambda name=name: play_envelopes.run(name)
        for name in ('v1.json', 'v2.json', 'v3.json', 'signed-only.json')
    },
    'answers.json': play_answers.run,
    'discovery.json': play_discovery.run,
    'shares.json': play_shares.run,
    'receipts.json': play_receipts.run,
    'session/handshake.json': play_sessions.handshake,
    'session/requests.json': play_sessions.requests,
    'session/messages.json': play_sessions.messages,
    'session/replies.json': play_sessions.replies,
    'session/checkpoints.json': play_checkpoints.run,
    'PROTOCOL.md': play_page.run,
}
failed = []


def main():
    for name, job in JOBS.items():
        if len(sys.argv) == 1 or any(part in name for part in sys.argv[1:]):
            failed.append(job().report())
            sys.stdout.flush()


sys.setrecursionlimit(200_000)  # some vectors nest deeply
threading.stack_size(1 << 29)
thread = threading.Thread(target=main)
thread.start()
thread.join()
sys.exit(0 if failed and not any(failed) else 1)
