import type { AuthenticationSpan } from '../types/ports.js';
import type { Attributes } from './api-types.js';

/** What a span is told at its end. */
export type AuthAttempt = Parameters<AuthenticationSpan['end']>[0];

/** Methods that the semantic conventions know; all else is `_OTHER`, so that callers cannot make up values. */
const METHODS = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
]);

/** What is known when the span starts, and so to samplers. */
export const startAttributes = (method: string): Attributes => ({
  'http.request.method': METHODS.has(method) ? method : '_OTHER',
});

/** The verdict, in a form that may stand on any span: few values, and none that came from the caller. */
export const verdictAttributes = ({
  mode,
  method,
  outcome,
  form,
  version,
  encrypted,
}: AuthAttempt): Attributes => ({
  'xlink.mode': mode,
  'xlink.auth.method': method,
  'xlink.auth.outcome': outcome,
  ...(form === undefined ? {} : { 'xlink.auth.form': form }),
  ...(version === undefined ? {} : { 'xlink.envelope.version': version }),
  ...(encrypted === undefined ? {} : { 'xlink.envelope.encrypted': encrypted }),
});

/** What belongs to a refusal. `status` is that of the answer. */
export const refusalAttributes = ({ outcome, reason, status }: AuthAttempt): Attributes =>
  outcome === 'accepted'
    ? {}
    : {
        'error.type': reason,
        ...(status === undefined ? {} : { 'http.response.status_code': status }),
      };

/** Who it was: as personal as the ids are. */
export const identityAttributes = ({ client, did }: AuthAttempt): Attributes => ({
  ...(client === undefined ? {} : { 'user.id': client }),
  ...(did === undefined ? {} : { 'xlink.did': did }),
});
