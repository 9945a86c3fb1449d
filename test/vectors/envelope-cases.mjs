import { badCases } from './bad-envelopes.mjs';
import { goodCases } from './good-envelopes.mjs';
import { SUITE } from './reference.mjs';
import { NOW, receiver, registry } from './world.mjs';

export function envelopeFiles() {
  return {
    'v1.json': versionFile(1, true),
    'v2.json': versionFile(2, true),
    'v3.json': versionFile(3, true),
    'signed-only.json': signedOnlyFile(),
  };
}

const ABOUT =
  'Byte strings are hexadecimal, envelopes are JSON text as it travels. How to use this file: docs/PROTOCOL.md, section "Test vectors".';

function versionFile(version, sealed) {
  const good = goodCases(version, sealed);
  return {
    about: ABOUT,
    version,
    suite: (sealed ? SUITE.sealed : SUITE.signedOnly)[version],
    now: NOW,
    receiver: { ...receiver, allowCleartext: !sealed },
    registry,
    good,
    bad: badCases(version, sealed, good),
  };
}

function signedOnlyFile() {
  const files = [1, 2, 3].map((version) => versionFile(version, false));
  const { version: _, suite: __, good: ___, bad: ____, ...shared } = files[0];
  return {
    ...shared,
    good: files.flatMap(({ good }) => good),
    bad: files.flatMap(({ bad }) => bad),
  };
}

// ---------------------------------------------------------------------------------------------------------------- good
