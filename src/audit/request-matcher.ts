import { xlinkError } from '../errors/service-errors.js';
import { overridesOf } from '../http/method-overrides.js';
import { pathOf, readingsOf } from '../http/path-readings.js';
import type { AuditEntry } from '../types/audit.js';

/** A method, unless any will do, and a target. */
const ASKED = /^(?:([A-Za-z-]+) +)?(\/\S*|[a-z][a-z0-9+.-]*:\/\/\S+)$/i;

/**
 * Whether an entry is about a request such as `DELETE /items/1847`, or `/items/1847` for any method. The path is compared as routers may
 * read it, as policies do: without regard to case and a slash at the end, percent-encoding, `;` parameters, `\`, `//` and dots. The method is that of the
 * request, or one that an override in it names; GET stands for HEAD, too. With a query, the request must have each of its parameters; without,
 * any query will do. Throws `INVALID_OPTION` for a text that is no request.
 */
export function requestMatcher(
  text: string,
): (entry: Pick<AuditEntry, 'request' | 'overrides' | 'envelope'>) => boolean {
  const [, asked, target] = (typeof text === 'string' && ASKED.exec(text.trim())) || [];
  if (target === undefined)
    throw xlinkError('INVALID_OPTION', {
      field: 'request',
      hint: 'requestMatcher: a method and a path, such as DELETE /items/1847, or the path alone.',
    });
  const paths = new Set(readingsOf(pathOf(target)));
  const parameters = [...parametersOf(target)];
  const method = asked?.toUpperCase();
  return ({ envelope, request = envelope?.request, overrides = [] }) => {
    const [, own, where] = /^(\S+) (.*)$/s.exec(request ?? '') ?? [];
    if (own === undefined || where === undefined) return false;
    const methods = [own.toUpperCase(), ...overrides, ...overridesOf({ method: own, target: where })];
    const isMethod =
      method === undefined || methods.includes(method) || (method === 'GET' && methods.includes('HEAD'));
    if (!isMethod || !readingsOf(pathOf(where)).some((path) => paths.has(path))) return false;
    const there = parametersOf(where);
    return parameters.every(([name, value]) => there.getAll(name).includes(value));
  };
}

const parametersOf = (target: string): URLSearchParams =>
  new URLSearchParams(/\?([^#]*)/.exec(target)?.[1] ?? '');
