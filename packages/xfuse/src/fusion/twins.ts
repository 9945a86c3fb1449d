import { XfuseError } from '../errors.js';
import { unseal } from '../util/sealing.js';
import { type NewSignal, passwordKey, type ReadySignal, type SignalTools } from './signals.js';
import { about, type KeyedSignal } from './vault.js';

/**
 * Throws `SIGNAL_DUPLICATE` if a new signal would open what another one opens: the same password under another name, the same 32 bytes as
 * another device. Costs one stretching for each password that is there.
 */
export async function assertOthers(
  signal: NewSignal,
  { key }: ReadySignal,
  others: readonly KeyedSignal[],
  tools: SignalTools,
): Promise<void> {
  const isPassword = signal.type === 'password';
  for (const { stored } of others) {
    if (isPassword !== (stored.type === 'password')) continue;
    const tried = isPassword ? await passwordKey(signal.value, stored.password!, tools) : key;
    if (await unseal(tools.crypto, tried, about('wrap', tools.account, stored.id), stored.wrapped))
      throw new XfuseError('SIGNAL_DUPLICATE');
  }
}
