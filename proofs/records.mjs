// Key records: what participants publish, and which records others take. The registry is the attacker.
import { rule, rules } from './clauses.mjs';
import { att, did, dpub, dsig, encryptionKeysOf, esig, keysOf, kpub, NONE, xpub } from './terms.mjs';

const VERSIONS = [1, 2, 3];
export const upTo = (version) => VERSIONS.filter((one) => one <= version);

/** A statement signed by every signature key: by the ML-DSA key, too, where there is one. Atoms. */
export const signedBy = ({ ed25519, mlDsa65 }, statement, { coSignature = true } = {}) => [
  att(esig(ed25519, statement)),
  ...(mlDsa65 && coSignature ? [att(dsig(mlDsa65, statement))] : []),
];

/** The transcript of a record. Times and epochs are not compared in this model. */
export const recordOf = ({ transcript }, who, members) =>
  transcript('record', {
    label: 'label_record',
    did: did(who),
    epoch: 'epoch',
    notBefore: 'start',
    notAfter: 'end',
    next: NONE,
    ...members,
  });

/** A record of `version` that names these keys of `who` was taken. */
export const known = (version, who, { x25519, mlKem768, mlDsa65, keyEpoch }) =>
  `known(v${version},${who},${x25519},${mlKem768},${mlDsa65},${keyEpoch})`;

/** What A publishes, in a record of this version. */
function published(version, scenario) {
  const { ed25519, mlDsa65 } = keysOf('A');
  const { x25519, mlKem768 } = encryptionKeysOf('A', scenario);
  const keys = {
    x25519: xpub(x25519),
    mlKem768: version >= 2 ? kpub(mlKem768) : NONE,
    mlDsa65: version >= 3 ? dpub(mlDsa65) : NONE,
  };
  const record = recordOf(scenario, 'A', { ...keys, keyEpoch: 'epoch0' });
  return rules(
    `A publishes a record of version ${version}`,
    [],
    [
      ...signedBy({ ed25519, mlDsa65: version >= 3 && mlDsa65 }, record, scenario),
      ...Object.values(keys).map(att),
    ],
  );
}

/**
 * A record is taken. Where one was seen before (`memory`), its ML-DSA key is known and cannot change; at first contact whatever
 * key the record names has to do.
 */
function taken(version, scenario) {
  const { ed25519, mlDsa65 } = keysOf('P');
  const secret = scenario.memory ? mlDsa65 : 'D';
  const keys = {
    keyEpoch: 'KE',
    x25519: xpub('X'),
    mlKem768: version >= 2 ? kpub('K') : NONE,
    mlDsa65: version >= 3 ? dpub(secret) : NONE,
  };
  const signatures = signedBy(
    { ed25519, mlDsa65: version >= 3 && secret },
    recordOf(scenario, 'P', keys),
    scenario,
  );
  const publicKeys = [keys.x25519, keys.mlKem768].filter((key) => key !== NONE).map(att);
  return [
    rule(`a record of version ${version} is taken`, signatures, known(version, 'P', keys)),
    rule(
      'a record of eve: any public keys, for the attacker signs it',
      publicKeys,
      known(version, 'eve', { ...keys, mlDsa65: version >= 3 ? dpub('D') : NONE }),
    ),
  ];
}

/**
 * All participants have keys of `version`. `memory`: their records were seen before, so that a later one may not lack keys
 * (unless a mutation lets it: `mayShrink`). `outdated`: earlier records with fewer keys are still about.
 */
export function records(scenario) {
  const { version, memory, mayShrink = false, outdated = false } = scenario;
  return [
    ...(outdated ? upTo(version) : [version]).flatMap((one) => published(one, scenario)),
    ...(memory && !mayShrink ? [version] : upTo(version)).flatMap((one) => taken(one, scenario)),
  ];
}
