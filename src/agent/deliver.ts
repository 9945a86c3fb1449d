import { toXlinkError, type XlinkError, xlinkError } from '../errors/errors.js';
import type { Transport } from '../types/ports.js';
import type { Envelope } from '../types/protocol.js';

/** Hands an envelope to a transport; resolves to the error if it was not delivered. */
export async function deliver(
  transport: Transport,
  envelope: Envelope,
  again: () => Promise<Envelope>,
): Promise<XlinkError | undefined> {
  let cause: unknown;
  try {
    const delivered = await transport.send(envelope, envelope.to, again);
    if (delivered.ok) return undefined;
    cause = delivered.error;
  } catch (error) {
    cause = error;
  }
  const known = toXlinkError(cause);
  return known.category === 'transport' ? known : xlinkError('SEND_FAILED', { cause });
}
