// Claims about discovery documents: bob is the service at `origin1`, and has another one at `origin2` where keys decide.
import { fact, rule, rules } from '../clauses.mjs';
import { recordOf, signedBy } from '../records.mjs';
import { att, did, dpub, hash, keysOf, kpub, xpub } from '../terms.mjs';

const record = (scenario, who, x25519, epoch) => {
  const { mlKem768, mlDsa65 } = keysOf(who);
  const keys = { x25519, mlKem768: kpub(mlKem768), mlDsa65: dpub(mlDsa65) };
  return recordOf(scenario, who, { ...keys, epoch, keyEpoch: epoch });
};

const document = ({ transcript }, who, { keyRecord, ...members }) =>
  transcript('discovery', {
    label: 'label_discovery',
    did: did(who),
    name: 'name',
    hash_keyRecord: hash(keyRecord),
    versions: 'versions',
    hash_succession: 'chain',
    notAfter: `later(${members.issuedAt})`,
    ...members,
  });

/** A service signs with both keys, unless a mutation leaves one out. */
const signed = (who, statement, { documentCoSigned = true }) =>
  signedBy(keysOf(who), statement, { coSignature: documentCoSigned });

/** What bob has signed: at time1 his origin1 was not on envelopes yet, at time2 it is; origin2 is not. */
function documents(scenario) {
  const records = {
    old: record(scenario, 'bob', xpub('xrand(old)'), 'old'),
    now: record(scenario, 'bob', xpub('xrand(now)'), 'now'),
  };
  const signs = (hosts, accepts, issuedAt, keyRecord) =>
    rules(
      `bob signs a document for ${hosts}`,
      [],
      signed(
        'bob',
        document(scenario, 'bob', {
          ...{ hosts, issuedAt, keyRecord, acceptsEnvelopes: accepts, mode: accepts },
          ...{ endpoints: `paths(${hosts})`, publicPaths: `public(${hosts})` },
        }),
        scenario,
      ),
    );
  return [
    ...Object.values(records).flatMap((one) =>
      rules('records of bob', [], signedBy(keysOf('bob'), one, scenario)),
    ),
    ...signs('origin1', 'keys', 'time1', records.old),
    ...signs('origin1', 'envelopes', 'time2', records.now),
    ...signs('origin2', 'keys', 'time2', records.now),
    ...['later(T)', 'paths(H)', 'public(H)', xpub('X'), kpub('ksk(seed(P))'), dpub('dsk(seed(P))')].map(
      (one) => fact('values in documents', att(one)),
    ),
  ];
}

/**
 * What alice takes as the document of origin1. Whom she expects is pinned or was seen before; `anybody`: first contact, in
 * which TLS decides, and the attacker has broken it. She has seen a document of time2 (the ratchet), or her clock tells her.
 */
function taken(scenario) {
  const { anybody = false, ratchet = true, checksHost = true } = scenario;
  const who = anybody ? 'P' : 'bob';
  const keyRecord = record(scenario, who, xpub('X'), 'E');
  const members = { mode: 'MODE', acceptsEnvelopes: 'ACC', endpoints: 'PATHS', publicPaths: 'PUB' };
  const statement = document(scenario, who, {
    ...members,
    hosts: checksHost ? 'origin1' : 'H',
    issuedAt: 'T',
    keyRecord,
  });
  return [
    ...['time2', 'time3', ...(ratchet ? [] : ['time1'])].map((time) =>
      fact('times that are not too old', `new(${time})`),
    ),
    rule(
      'alice takes a document',
      ['new(T)', ...signedBy(keysOf(who), keyRecord, scenario), ...signed(who, statement, scenario)],
      `document(${who},E,ACC,MODE,PATHS,PUB)`,
    ),
  ];
}

/** What alice takes as the document of origin1 is bob's present one. */
export const discovery = (scenario) => [
  ...documents(scenario),
  ...taken(scenario),
  rule('another service', ['document(eve,E,ACC,MODE,PATHS,PUB)'], 'attack'),
  rule('keys decide, it says, so that alice uses hers', ['document(bob,E,keys,MODE,PATHS,PUB)'], 'attack'),
  rule('a mode that is not that of origin1', ['document(bob,E,ACC,keys,PATHS,PUB)'], 'attack'),
  rule('an outdated key record', ['document(bob,old,ACC,MODE,PATHS,PUB)'], 'attack'),
  ...['forged', 'paths(origin2)'].map((one) =>
    rule('false endpoints', [`document(bob,E,ACC,MODE,${one},PUB)`], 'attack'),
  ),
  ...['forged', 'public(origin2)'].map((one) =>
    rule('false public paths', [`document(bob,E,ACC,MODE,PATHS,${one})`], 'attack'),
  ),
];

/** Control: the present document is taken. */
export const documentArrives = (scenario) => [
  ...documents(scenario),
  ...taken(scenario),
  rule(
    'an honest run completes',
    ['document(bob,now,envelopes,envelopes,paths(origin1),public(origin1))'],
    'attack',
  ),
];
