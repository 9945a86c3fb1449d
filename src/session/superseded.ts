import type { SequenceUse } from './ports.js';
import { MAX_SEQUENCE } from './protocol.js';

/** The request of a session that another request takes the place of. */
export type Superseded = Pick<SequenceUse, 'sid' | 'seq' | 'timestamp'>;

/** As the value of a header: session, number and time of the request, with dots in between. */
export const supersededText = ({ sid, seq, timestamp }: Superseded): string => `${sid}.${seq}.${timestamp}`;

/** `undefined` for another text. */
export function readSuperseded(text: string): Superseded | undefined {
  const found = /^([\w-]{22})\.(\d{1,5})\.(\d{1,16})$/.exec(text);
  if (!found || Number(found[2]) >= MAX_SEQUENCE) return undefined;
  return { sid: found[1]!, seq: Number(found[2]), timestamp: Number(found[3]) };
}
