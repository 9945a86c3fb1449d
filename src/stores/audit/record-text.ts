import type { SealedRecord } from '../../audit/record.js';

/** A record of the log as it stands in a file. */
export interface LoggedRecord extends SealedRecord {
  /** Its link of the HMAC chain, 32 bytes, base64url. */
  readonly mac: string;
}

/** What a file of the log is of: its first line says so. */
export const LOG_FORMAT = 'xlink-audit';

/** The JSON text of a record: that of its leaf, with its link of the chain. */
export const recordText = ({ leaf, mac }: Pick<FoundRecord, 'leaf' | 'mac'>): string =>
  `${leaf.slice(0, -1)},"mac":"${mac}"}`;

const RECORD =
  /\{"seq":(\d{1,16}),"key":"([\w-]{1,32})","commitment":"([\w-]{43})","sealed":"([\w-]+)","mac":"([\w-]{43})"\}/y;

/** A record with the text whose bytes are its leaf. */
export interface FoundRecord extends LoggedRecord {
  readonly leaf: string;
}

/** Records that are stored together, as they are found. */
export interface FoundLine {
  /** The records up to the first that is none. */
  readonly records: readonly FoundRecord[];
  /** Whether there is nothing else. */
  readonly whole: boolean;
  /** Whether the sum over them is right. */
  readonly sound: boolean;
}

/** The records in a line of JSON texts, up to the first that is none. `end`: whether that is the end of the list. */
export function recordsIn(data: string): { readonly records: FoundRecord[]; readonly whole: boolean } {
  const records: FoundRecord[] = [];
  let at = 1;
  while (data[0] === '[') {
    RECORD.lastIndex = at;
    const [text, seq, key, commitment, sealed, mac] = RECORD.exec(data) ?? [];
    if (text === undefined) break;
    const leaf = `${text.slice(0, text.length - (mac!.length + 9 + 1))}}`;
    records.push({ seq: Number(seq), key: key!, commitment: commitment!, sealed: sealed!, mac: mac!, leaf });
    at += text.length + 1;
    if (data[at - 1] !== ',') break;
  }
  return { records, whole: data[at - 1] === ']' && at === data.length };
}
