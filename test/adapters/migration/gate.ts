import type { Gate, Mode } from '@private.me/xlink';

const OPEN: Omit<Gate, 'from' | 'to'> = {
  minXlinkPercentage: 0,
  minDwellMs: 0,
  maxErrorRate: 1,
  requireSafeClients: false,
};

/** A gate that wants nothing, unless said otherwise. */
export const gate = (from: Mode, to: Mode, more: Partial<Gate> = {}): Gate => ({
  ...OPEN,
  from,
  to,
  ...more,
});
