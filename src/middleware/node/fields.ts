import { mustBeRemoved } from '../../http/covered-fields.js';
import type { Pass } from '../../http/decision.js';
import type { NodeRequest } from './types.js';

/**
 * Puts the headers that were sealed with a request in their place, and takes away those that would change what it does
 * and that its envelope does not cover: a proxy may have added them. All others stay, unsigned.
 */
export function replaceFields(req: NodeRequest, { values, names }: NonNullable<Pass['fields']>): void {
  for (const name of Object.keys(req.headers)) if (mustBeRemoved(name, names)) delete req.headers[name];
  for (const [name, value] of values) req.headers[name] = value;
}
