import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  bytesToBase64,
  type Credential,
  decodeMlsMessage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  type MLSMessage,
  makePskIndex,
  processPrivateMessage,
  processPublicMessage,
} from 'ts-mls';
import { MLS_SUITES } from '../src/index.js';
import { configOf } from '../src/worker/states.js';

// The vectors of github.com/mlswg/mls-implementations (no license is given there, so they are not kept here). Where they are: MLS_VECTORS.
const FOLDER =
  process.env['MLS_VECTORS'] ?? new URL('../../../../shared/vectors/mls', import.meta.url).pathname;

interface Vector {
  readonly cipher_suite: number;
  readonly external_psks: readonly { readonly psk_id: string; readonly psk: string }[];
  readonly key_package: string;
  readonly signature_priv: string;
  readonly encryption_priv: string;
  readonly init_priv: string;
  readonly welcome: string;
  readonly ratchet_tree: string | null;
  readonly initial_epoch_authenticator: string;
  readonly epochs: readonly {
    readonly proposals: readonly string[];
    readonly commit: string;
    readonly epoch_authenticator: string;
  }[];
}

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const SUITES = new Map([
  [1, MLS_SUITES['x25519-aes128']],
  [3, MLS_SUITES['x25519-chacha']],
]);

/** Our limits and padding; who the members are is not what these vectors are about. */
const config = {
  ...configOf(async () => 'active', 'follow'),
  authService: { validateCredential: async (_credential: Credential) => true },
};

async function follow(vector: Vector): Promise<number> {
  const impl = await getCiphersuiteImpl(getCiphersuiteFromName(SUITES.get(vector.cipher_suite)!));
  const message = (text: string): MLSMessage => decodeMlsMessage(hex(text), 0)![0];
  const welcome = message(vector.welcome);
  const own = message(vector.key_package);
  if (welcome.wireformat !== 'mls_welcome' || own.wireformat !== 'mls_key_package')
    throw new Error('no welcome');
  const psks = Object.fromEntries(
    vector.external_psks.map(({ psk_id, psk }) => [bytesToBase64(hex(psk_id)), hex(psk)]),
  );
  const keys = {
    initPrivateKey: hex(vector.init_priv),
    hpkePrivateKey: hex(vector.encryption_priv),
    signaturePrivateKey: hex(vector.signature_priv),
  };
  const { decodeRatchetTree } = await import('ts-mls/ratchetTree.js');
  const tree = vector.ratchet_tree === null ? undefined : decodeRatchetTree(hex(vector.ratchet_tree), 0)![0];
  let state = await joinGroup(
    welcome.welcome,
    own.keyPackage,
    keys,
    makePskIndex(undefined, psks),
    impl,
    tree,
    undefined,
    config,
  );
  const check = (wanted: string) =>
    expect(Buffer.from(state.keySchedule.epochAuthenticator).toString('hex')).toBe(wanted);
  check(vector.initial_epoch_authenticator);
  for (const { proposals, commit, epoch_authenticator } of vector.epochs) {
    for (const text of [...proposals, commit]) {
      const handshake = message(text);
      const index = makePskIndex(state, psks);
      if (handshake.wireformat === 'mls_private_message')
        state = (await processPrivateMessage(state, handshake.privateMessage, index, impl)).newState;
      else if (handshake.wireformat === 'mls_public_message')
        state = (await processPublicMessage(state, handshake.publicMessage, index, impl)).newState;
      else throw new Error('no handshake message');
    }
    check(epoch_authenticator);
  }
  return vector.epochs.length;
}

for (const name of ['passive-client-welcome', 'passive-client-handling-commit']) {
  const file = join(FOLDER, `${name}.json`);
  const isThere = existsSync(file);
  (isThere ? test : test.skip)(
    `${name} of the MLS working group${isThere ? '' : ' [skipped: set MLS_VECTORS to a folder with its files]'}`,
    async () => {
      const vectors = (JSON.parse(readFileSync(file, 'utf8')) as Vector[]).filter(({ cipher_suite }) =>
        SUITES.has(cipher_suite),
      );
      let epochs = 0;
      for (const vector of vectors) epochs += await follow(vector);
      expect(vectors.length).toBeGreaterThan(0);
      console.log(`${name}: ${vectors.length} vectors, ${epochs} commits followed`);
    },
  );
}
