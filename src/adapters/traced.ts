import { toXlinkError, type XlinkError } from '../errors/errors.js';
import type { AuthenticationSpan, Tracer } from '../types/ports.js';
import { isPromiseLike } from '../util/awaitable.js';

/**
 * Runs `decide` exactly once, within a span if the tracer opens one. A tracer that throws, calls back late, twice or
 * never, or never settles, costs the span and not the request; what it throws goes to `onFault`. `decide` must not reject.
 */
export function traced<T>(
  tracer: Tracer,
  request: { readonly method: string },
  decide: (span: AuthenticationSpan | undefined) => Promise<T>,
  onFault: (error: XlinkError) => void,
): Promise<T> {
  const failed = (thrown: unknown) => onFault(toXlinkError(thrown));
  let decided: Promise<T> | undefined;
  const once = (span?: AuthenticationSpan) => (decided ??= decide(span && guarded(span, failed)));
  try {
    Promise.resolve(tracer.trace(request, once)).catch(failed);
  } catch (thrown) {
    failed(thrown);
  }
  return once();
}

/** A copy, because a span is other people's code: it may throw wherever it is touched. */
function guarded(span: AuthenticationSpan, failed: (thrown: unknown) => void): AuthenticationSpan {
  return {
    ...traceOf(span, failed),
    end(attempt) {
      try {
        const ended: unknown = span.end(attempt);
        if (isPromiseLike(ended)) Promise.resolve(ended).then(undefined, failed);
      } catch (thrown) {
        failed(thrown);
      }
    },
  };
}

function traceOf(
  span: AuthenticationSpan,
  failed: (thrown: unknown) => void,
): Pick<AuthenticationSpan, 'traceId'> {
  try {
    const { traceId } = span;
    return traceId === undefined ? {} : { traceId };
  } catch (thrown) {
    failed(thrown);
    return {};
  }
}
