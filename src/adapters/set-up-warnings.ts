import { xlinkError } from '../errors/errors.js';
import { hintForOperators } from '../errors/operator-hints.js';
import type { ErrorId } from '../errors/table.js';
import type { Observer, WarningEvent } from '../types/events.js';

/** Tells of a weak set-up: the id of the error that comes of it, and what to do, if the error does not say that itself. */
export type WarnOfSetUp = (id: ErrorId, message?: string) => void;

/** Tells each kind once; printed where there is no observer. */
export function setUpWarner(
  observers: readonly Observer[] = [],
  emit: (event: WarningEvent) => void,
): WarnOfSetUp {
  const told = new Set<ErrorId>();
  return (id, text) => {
    if (told.has(id)) return;
    told.add(id);
    const { title, message, docUrl } = xlinkError(id);
    const hint = hintForOperators(id);
    const said = text ?? (hint === undefined ? message : `${title} ${hint}`);
    emit({ type: 'warning', code: id, message: said });
    if (observers.length === 0) console.warn(`xlink: ${id}: ${said} ${docUrl}`);
  };
}
