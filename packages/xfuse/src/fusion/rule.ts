import { XfuseError } from '../errors.js';
import type { StoredSignal } from './record.js';

type Described = Pick<StoredSignal, 'type' | 'password'>;

/** A password without an OPRF server can be guessed by who holds the record. */
export const isGuessable = ({ type, password }: Described): boolean =>
  type === 'password' && password?.oprf === undefined;

/**
 * Every choice of `threshold` signals must hold a device, an attestation or an OPRF password: that is so exactly if fewer are
 * guessable than the threshold. Throws `SIGNALS_GUESSABLE`.
 */
export function assertUnguessable(signals: readonly Described[], threshold: number): void {
  if (signals.filter(isGuessable).length >= threshold) throw new XfuseError('SIGNALS_GUESSABLE');
}
