import {
  type AuditSelection,
  type ProvenEntry,
  type RecordedEntry,
  requestMatcher,
} from '@private.me/xlink/audit';
import { UsageError } from './run.js';

/** One line about an entry. Control characters in it could rewrite a terminal, so they are shown as JSON has them. */
export function lineOf(entry: RecordedEntry & Partial<Pick<ProvenEntry, 'caller'>>): string {
  const { seq, at, type, request, scope, decision, reason, from, client, caller, data } = entry;
  const who = from ?? (client === undefined ? undefined : `client ${client}`);
  const proof = caller === undefined ? undefined : PROOFS[caller];
  const verdict = decision === 'refused' ? `refused (${reason})` : decision;
  const what = request ?? (data === undefined ? undefined : JSON.stringify(data));
  const parts = [seq, new Date(Math.min(at, 8.64e15)).toISOString(), type, who, what, scope, verdict, proof];
  return parts.flatMap((part) => (part === undefined ? [] : printable(String(part)))).join('  ');
}

const PROOFS = {
  verified: 'signed by the caller',
  checkpoint: 'signed by the caller, in a checkpoint of its session',
  uncovered: 'in a session, without a checkpoint of the caller',
  unproven: 'by the word of the service',
} as const;

const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (sign) => JSON.stringify(sign).slice(1, -1));

/** What `--request`, `--find`, `--from` and `--to` ask for. */
export function selectionOf(values: {
  readonly request?: string | undefined;
  readonly find?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}): AuditSelection {
  const { request, find } = values;
  const isAsked = request === undefined ? () => true : matcherOf(request);
  const where = (entry: RecordedEntry) =>
    isAsked(entry) && (find === undefined || JSON.stringify(entry).includes(find));
  return {
    ...(request === undefined && find === undefined ? {} : { where }),
    ...numberOf('from', values.from),
    ...numberOf('to', values.to),
  };
}

function matcherOf(request: string) {
  try {
    return requestMatcher(request);
  } catch {
    throw new UsageError('--request is a method and a path, such as "DELETE /items/1847", or a path');
  }
}

function numberOf(name: 'from' | 'to', text: string | undefined) {
  if (text === undefined) return {};
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--${name} is a whole number from 0 on`);
  return { [name]: Number(text) };
}
