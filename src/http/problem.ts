import { problemTypeOf } from '../errors/docs-url.js';
import type { XlinkError } from '../errors/errors.js';
import type { AuthMethod, Mode } from '../types/mode.js';
import type { Headers } from './decision.js';

/** What every problem document says (RFC 9457). The hint is not among it: it is for operators. */
export const problemMembers = ({ id, title, status, code, subCode }: XlinkError) => ({
  type: problemTypeOf(id),
  title,
  status,
  code,
  subCode,
});

/** The body of a refusal (RFC 9457). Hint and field only if `expose`: they help the caller, and whoever probes. */
export function problemBody(error: XlinkError, method: AuthMethod, expose: boolean): string {
  return JSON.stringify({
    ...problemMembers(error),
    authMethod: method,
    ...(expose ? { detail: error.hint, field: error.field } : {}),
  });
}

/** `WWW-Authenticate` for a 401 (RFC 9110 section 11.6.1): every scheme that is accepted in this mode. */
export function challenges(mode: Mode, realm: string, error: XlinkError): Headers {
  if (error.status !== 401) return {};
  const xlink = `Xlink realm="${realm}", error="${error.id}"`;
  const apiKey = `ApiKey realm="${realm}"`;
  const accepted = mode === 'observe' ? [apiKey] : mode === 'xlink-only' ? [xlink] : [xlink, apiKey];
  return { 'WWW-Authenticate': accepted.join(', ') };
}
