import { GroupError } from './errors.js';

/**
 * The cipher suites of groups: names by which options take them, to those of RFC 9420 and ts-mls. All sign with Ed25519.
 *
 * | name | key agreement, cipher | number |
 * |---|---|---|
 * | `x25519-aes128` | X25519, AES-128-GCM, SHA-256 | 1, of RFC 9420 |
 * | `x25519-chacha` | X25519, ChaCha20-Poly1305, SHA-256 | 3, of RFC 9420 |
 * | `xwing-aes256` | X-Wing (X25519 and ML-KEM-768), AES-256-GCM, SHA-512 | 83, of ts-mls alone |
 * | `xwing-chacha` | X-Wing, ChaCha20-Poly1305, SHA-512 | 84, of ts-mls alone |
 */
export const MLS_SUITES = {
  'x25519-aes128': 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519',
  'x25519-chacha': 'MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519',
  'xwing-aes256': 'MLS_256_XWING_AES256GCM_SHA512_Ed25519',
  'xwing-chacha': 'MLS_256_XWING_CHACHA20POLY1305_SHA512_Ed25519',
} as const;

/** A name of {@link MLS_SUITES}. */
export type MlsSuite = keyof typeof MLS_SUITES;

/** What groups get unless they ask for another: suite 1 of RFC 9420, which all implementations have. */
export const DEFAULT_SUITE: MlsSuite = 'x25519-aes128';

/** Whether a value names a suite. */
export const isSuite = (value: unknown): value is MlsSuite =>
  typeof value === 'string' && Object.hasOwn(MLS_SUITES, value);

/** Whether its key agreement holds against quantum computers, as far as X-Wing does. */
export const isPostQuantum = (suite: MlsSuite): boolean => suite.startsWith('xwing');

/** The suite of this name in ts-mls. Throws `SUITE_UNKNOWN`. */
export function suiteOf(library: string): MlsSuite {
  const found = Object.entries(MLS_SUITES).find(([, name]) => name === library);
  if (!found) throw new GroupError('SUITE_UNKNOWN');
  return found[0] as MlsSuite;
}
