import {
  type AuditDoubt,
  type AuditSelection,
  type ProvenEntry,
  printable,
  type RecordedEntry,
  requestMatcher,
  type SignedMember,
} from '@private.me/xlink/audit';
import { UsageError } from './run.js';

/** One line about an entry of a log that is at hand. */
export function lineOf(entry: RecordedEntry): string {
  const { seq, scope } = entry;
  return line([seq, timeOf(entry.at), entry.type, whoOf(entry), whatOf(entry), scope, verdictOf(entry)]);
}

/** One line about an entry of an export: what the caller signed, and what the service says. */
export function provenLineOf(entry: ProvenEntry): string {
  const { seq, at, type, caller, signed, signedAt, doubts, from, client } = entry;
  const isIn = (name: SignedMember) => signed.includes(name);
  const rest = [
    'by the word of the service:',
    timeOf(at),
    type,
    whoOf(isIn('from') ? { client: client === from ? undefined : client } : entry),
    isIn('request') ? undefined : whatOf(entry),
    isIn('scope') ? undefined : entry.scope,
    verdictOf(entry),
  ];
  if (signed.length === 0) return line([seq, caller === 'uncovered' ? UNCOVERED : undefined, ...rest]);
  const kept = [
    from,
    entry.envelope ? entry.envelope.request : entry.request,
    entry.envelope?.scope ?? entry.scope,
  ];
  const why = doubts.map((doubt) =>
    doubt === 'recipient' ? `${DOUBTS.recipient} (${entry.envelope?.to ?? entry.to})` : DOUBTS[doubt],
  );
  const proof = caller === 'doubtful' ? `signed, but ${why.join(', ')}:` : PROOFS[caller];
  return line([seq, proof, timeOf(signedAt), ...kept, '|', ...rest]);
}

const UNCOVERED = 'in a session, without a checkpoint of the caller;';
const PROOFS = {
  verified: 'signed by the caller:',
  checkpoint: 'signed by the caller, in a checkpoint of its session:',
  uncovered: undefined,
  unproven: undefined,
} as const;
const DOUBTS: Readonly<Record<AuditDoubt, string>> = {
  recipient: 'for another recipient',
  kind: 'as a message, not as a request',
  repeated: 'it is in an earlier entry, too',
  time: 'at another time',
};

const whoOf = ({
  from,
  client,
}: {
  readonly from?: string | undefined;
  readonly client?: string | undefined;
}) => from ?? (client === undefined ? undefined : `client ${client}`);

const whatOf = ({ request, data }: RecordedEntry) =>
  request ?? (data === undefined ? undefined : JSON.stringify(data));

const verdictOf = ({ decision, reason }: RecordedEntry) =>
  decision === 'refused' ? `refused (${reason})` : decision;

const timeOf = (at: number | undefined) =>
  at === undefined ? undefined : new Date(Math.min(at, 8.64e15)).toISOString();

/** What a log says could rewrite a terminal, or read otherwise than it is. */
const line = (parts: readonly (string | number | undefined)[]): string =>
  parts.flatMap((part) => (part === undefined ? [] : printable(String(part)))).join('  ');

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
