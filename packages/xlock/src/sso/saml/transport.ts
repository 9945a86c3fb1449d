import type { IncomingMessage } from 'node:http';
import { inflateRawSync } from 'node:zlib';
import { isMembers } from '../../util/bytes.js';
import { refused } from './xml.js';

/** Longest AuthnRequest, as XML, in bytes: they have about 1000. */
const MOST_XML = 32_768;
/** Longest form or query, in characters. */
const MOST_FORM = 65_536;

/** A message as it came. */
export interface SamlMessage {
  readonly xml: string;
  /** Goes back with the answer; empty: there was none. */
  readonly relayState: string;
  /** A signature beside the message, of the redirect binding. */
  readonly detached:
    | { readonly method: string; readonly signature: Buffer; readonly signed: string }
    | undefined;
}

/** The message in a query (SAML bindings 3.4). What it inflates to is limited, whatever it promises. Throws `REQUEST_INVALID`. */
export function redirectedMessage(query: string, mostRelayState: number): SamlMessage {
  if (query.length > MOST_FORM) throw refused('The query is too long.');
  const raw = pairsOf(query);
  const value = (name: string) => decoded(raw.get(name) ?? '');
  const encoding = raw.get('SAMLEncoding');
  if (
    encoding !== undefined &&
    decoded(encoding) !== 'urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE'
  )
    throw refused('Only DEFLATE is taken.');
  const deflated = base64(value('SAMLRequest'));
  const signature = raw.has('Signature') ? base64(value('Signature')) : undefined;
  const signed = ['SAMLRequest', 'RelayState', 'SigAlg']
    .filter((name) => raw.has(name))
    .map((name) => `${name}=${raw.get(name)}`)
    .join('&');
  return {
    xml: text(inflated(deflated)),
    relayState: relayStateOf(value('RelayState'), mostRelayState),
    detached: signature && { method: value('SigAlg'), signature, signed },
  };
}

/** The message in a form (SAML bindings 3.5), also where a parser of the framework was first. Throws `REQUEST_INVALID`. */
export async function postedMessage(request: IncomingMessage, mostRelayState: number): Promise<SamlMessage> {
  const parsed = (request as { body?: unknown }).body;
  const member = (name: string): string => {
    const value = isMembers(parsed) ? parsed[name] : undefined;
    if (value !== undefined && typeof value !== 'string') throw refused(`${name} stands twice.`);
    return value ?? '';
  };
  const isParsed = isMembers(parsed);
  const raw = isParsed ? new Map<string, string>() : pairsOf(await formOf(request));
  const value = (name: string) => (isParsed ? member(name) : decoded(raw.get(name) ?? ''));
  const sent = base64(value('SAMLRequest').replace(/\s/g, ''));
  const bytes = sent[0] === '<'.charCodeAt(0) ? sent : inflated(sent); // some deflate here, too
  if (bytes.length > MOST_XML) throw refused(`SAMLRequest must be ${MOST_XML} bytes at most.`);
  return {
    xml: text(bytes),
    relayState: relayStateOf(value('RelayState'), mostRelayState),
    detached: undefined,
  };
}

async function formOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_FORM) throw refused('The form is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Pairs as they were sent: a signature is over these very characters. */
function pairsOf(form: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of form.split('&')) {
    const at = pair.indexOf('=');
    const name = decoded(at < 0 ? pair : pair.slice(0, at));
    if (pairs.has(name)) throw refused('A parameter stands twice.');
    pairs.set(name, at < 0 ? '' : pair.slice(at + 1));
  }
  return pairs;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value.replace(/\+/g, ' '));
  } catch {
    throw refused('A parameter is not encoded well.');
  }
}

function base64(value: string): Buffer {
  if (value === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(value))
    throw refused('SAMLRequest and Signature must be base64.');
  return Buffer.from(value, 'base64');
}

function inflated(deflated: Buffer): Buffer {
  try {
    return inflateRawSync(deflated, { maxOutputLength: MOST_XML });
  } catch {
    throw refused(`SAMLRequest must be deflated, and ${MOST_XML} bytes at most.`);
  }
}

function text(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refused('The message must be UTF-8.');
  }
}

function relayStateOf(value: string, most: number): string {
  if (Buffer.byteLength(value) > most) throw refused(`RelayState must be ${most} bytes at most.`);
  return value;
}
