import { pathOf, readingsOf } from '../http/path-readings.js';
import type { PolicyRequest } from '../types/policy.js';

/** A request, and what is found out about it once for all rules. */
export interface Facts {
  readonly request: PolicyRequest;
  /** Every way in which a router may read its path; empty for a message. */
  readonly paths: readonly string[];
  /** Its method, and each that an override may give it behind the adapter, in capitals; empty for a message. */
  readonly methods: readonly string[];
}

/** `needsPaths`: whether a rule asks for a route; long paths take long. */
export function factsOf(request: PolicyRequest, needsPaths: boolean): Facts {
  const { method, target, overrides = [] } = request;
  if (method === undefined || target === undefined) return { request, paths: [], methods: [] };
  const methods = [...new Set([method, ...overrides].map((one) => one.toUpperCase()))];
  return { request, paths: needsPaths ? readingsOf(pathOf(target)) : [], methods };
}
