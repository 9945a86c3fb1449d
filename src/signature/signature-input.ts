import {
  malformed,
  SIGNATURE,
  SIGNATURE_INPUT,
  type SignatureKind,
  wrongComponent,
  wrongParameter,
} from './profile.js';
import { type InnerList, type Item, parseDictionary, serializeInnerList } from './structured-fields.js';

/** A signature as the two headers have it. */
export interface ReceivedSignature {
  /** Names of the covered components, in order. None has a parameter. */
  readonly components: readonly string[];
  readonly parameters: ReadonlyMap<string, unknown>;
  /** Both as they are written, and signed. */
  readonly params: string;
  readonly signature: Uint8Array;
}

/** In characters: room for both signatures of the profile and some of others. What is longer costs a stranger little to send, and much to read. */
const MAX_LENGTHS = { [SIGNATURE_INPUT]: 4096, [SIGNATURE]: 8192 };

/** Throws `SIGNATURE_MALFORMED` for headers that are not read, whatever is in them. */
export function assertReadable(input: string, signature: string): void {
  if (input.length > MAX_LENGTHS[SIGNATURE_INPUT]) throw malformed(SIGNATURE_INPUT);
  if (signature.length > MAX_LENGTHS[SIGNATURE]) throw malformed(SIGNATURE);
}

/** The members of a dictionary (RFC 9651 section 3.2), in which no key comes twice. */
export type Members = ReadonlyMap<string, Item | InnerList>;

/** The members of `Signature-Input` and `Signature`. */
export class SignatureHeaders {
  readonly #inputs: Members;
  readonly #signatures: Members;
  readonly #text: string;

  /** Throws `SIGNATURE_MALFORMED`. */
  constructor(input: string, signature: string) {
    this.#text = input;
    this.#inputs = signatureMembers(input, SIGNATURE_INPUT);
    this.#signatures = signatureMembers(signature, SIGNATURE);
  }

  /** Whether nothing is in them but signatures of these kinds. */
  holdsOnly(kinds: readonly SignatureKind[]): boolean {
    return [...this.#inputs.keys()].every((key) => kinds.some(({ label }) => label === key));
  }

  /** The one signature of a kind; `undefined` if there is none. Throws `SIGNATURE_MALFORMED…`. */
  find({ label, tag, length }: SignatureKind): ReceivedSignature | undefined {
    for (const [key, [, parameters]] of this.#inputs)
      if ((parameters.get('tag') === tag) !== (key === label)) throw wrongParameter('tag');
    const list = this.#inputs.get(label);
    const item = this.#signatures.get(label);
    if (!list && !item) return undefined;
    const [items, parameters] = list ?? [];
    if (!Array.isArray(items) || !parameters) throw malformed(SIGNATURE_INPUT);
    const [bytes, more] = item ?? [];
    if (!(bytes instanceof ArrayBuffer) || bytes.byteLength !== length || more!.size > 0)
      throw malformed(SIGNATURE);
    const params = serializeInnerList(list as InnerList);
    if (!hasMember(this.#text, `${label}=${params}`)) throw malformed(SIGNATURE_INPUT); // there is one spelling only
    return { components: items.map(nameOf), parameters, params, signature: new Uint8Array(bytes) };
  }
}

function hasMember(text: string, member: string): boolean {
  const at = text.indexOf(member);
  return at >= 0 && /(^|[,\s])$/.test(text.slice(0, at)) && /^\s*(,|$)/.test(text.slice(at + member.length));
}

/** No component of the profile has a parameter: not `sf`, `bs`, `key`, `tr` or `req`. */
function nameOf([name, parameters]: Item): string {
  if (typeof name !== 'string' || parameters.size > 0)
    throw wrongComponent(typeof name === 'string' ? name : SIGNATURE_INPUT);
  return name;
}

/** The members of one of the two headers of signatures. Throws `SIGNATURE_MALFORMED`. */
export const signatureMembers = (text: string, field: keyof typeof MAX_LENGTHS): Members =>
  membersOf(text, field, MAX_LENGTHS[field]);

/**
 * Of a key that comes twice, the last one counts (RFC 9651 section 3.2); others on the way may take the first. So it is refused.
 * Throws `SIGNATURE_MALFORMED`.
 */
export function membersOf(text: string, field: string, maxLength: number): Members {
  if (text.length > maxLength) throw malformed(field);
  let members: Members;
  try {
    members = parseDictionary(text);
  } catch {
    throw malformed(field);
  }
  if (members.size !== commasIn(text) + 1) throw malformed(field);
  return members;
}

/** Those between members: strings and byte sequences may hold any. */
const commasIn = (text: string): number =>
  text.replace(/"(?:[^"\\]|\\.)*"|(?<=[=( ]):[^:]*:/g, '').split(',').length - 1;
