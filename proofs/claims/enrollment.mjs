// Claims about enrollment: an identity is linked to the owner of the API key that it is presented under.
import { fact, rule, rules } from '../clauses.mjs';
import { MEMBERS } from '../envelope.mjs';
import { att, did, esig, hash, keysOf } from '../terms.mjs';

/** The API key that `client` has at `service`: secret, but from eve. */
const keyAt = (service, client) => `apikey(${service},${client})`;

/** Only these members matter here: the envelope is signed only, so that it has no keys. */
const members = (some) => ({
  ...Object.fromEntries(MEMBERS.map((name) => [name, 'none'])),
  ...{ version: 'v2', suite: 'signed_v2', kind: 'request', scope: 'enroll', request: 'route' },
  ...some,
});

/** The envelope of `who` for `service` under an API key, and what it signs. */
function introduction({ transcript }, who, service, key, own) {
  const label = 'label(request,signed_v2)';
  const proof = transcript('keyProof', { label: 'label_enroll', did: did(who), apiKey: key });
  const header = transcript('header', { label, ...members({ from: did(who), to: did(service), ...own }) });
  const payload = `payload(record(${did(who)}),${hash(proof)})`;
  const signed = transcript('signed', { label, hash_header: hash(header), hash_payload: hash(payload) });
  return { payload, signature: esig(keysOf(who).ed25519, signed) };
}

/**
 * Everybody enrolls at every service, under the key from there; as a key of eve's service one is given whatever eve chooses.
 */
function clients(scenario) {
  const own = { timestamp: 'time(A,S,R)', nonce: 'nonce(A,S,R)' };
  const enrolls = (service, key, premises) => {
    const { payload, signature } = introduction(scenario, 'A', service, key, own);
    return rules(`A enrolls at ${service}`, premises, [payload, signature].map(att));
  };
  return [
    ...enrolls('S', keyAt('S', 'A'), []),
    ...enrolls('eve', 'KEY', [att('KEY')]),
    ...['label(K,S)', 'time(A,S,R)', 'nonce(A,S,R)', 'record(D)', keyAt('S', 'eve')].map((one) =>
      fact('what everybody knows, and the keys of eve', att(one)),
    ),
    rule('payloads are put together', ['P', 'Q'].map(att), att('payload(P,Q)')),
    ...['P', 'Q'].map((part) => rule('and taken apart', [att('payload(P,Q)')], att(part))),
  ];
}

/** bob takes an envelope that the attacker presents under an API key that it has. */
function service(scenario) {
  const { checksProof = true } = scenario;
  const key = keyAt('bob', 'OWNER');
  const proven = checksProof ? key : 'ANY';
  const { payload, signature } = introduction(scenario, 'P', 'bob', proven, { timestamp: 'T', nonce: 'N' });
  return [rule('bob links P', [att(key), att(payload), att(signature)], 'linked(P,OWNER)')];
}

/**
 * With the keys that it has the attacker links its own identities, to itself: neither others' to itself, nor its own to others.
 */
export const enrollment = (scenario) => [
  ...clients(scenario),
  ...service(scenario),
  ...(scenario.stolen ? [fact("alice's API key was stolen", att(keyAt('bob', 'alice')))] : []),
  rule("alice's identity is linked to the attacker", ['linked(alice,eve)'], 'attack'),
  rule("the attacker's identity is linked to alice", ['linked(eve,alice)'], 'attack'),
  rule("carol's identity is linked to alice", ['linked(carol,alice)'], 'attack'),
];

/** Control: eve enrolls under her own key. */
export const enrollmentArrives = (scenario) => [
  ...clients(scenario),
  ...service(scenario),
  rule('an honest run completes', ['linked(eve,eve)'], 'attack'),
];
