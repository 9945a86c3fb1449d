import { concat, EMPTY } from '../../crypto/bytes.js';
import type { Header } from '../../envelope/plaintext.js';
import type { AnswerHead } from '../../http/answer-head.js';

/** What is found in the bytes of a response. */
export interface ResponseParts {
  /** An interim response (RFC 9110 section 15.2), as it is. */
  interim(bytes: Uint8Array): void;
  head(head: AnswerHead): void;
  body(bytes: Uint8Array): void;
  end(): void;
  trailers(): void;
}

const CR = 13;
const LF = 10;

/**
 * Reads one response of HTTP/1 (RFC 9112) as this process itself writes it: so it is well-formed, and no response to HEAD.
 * What it says is what the caller would have got.
 */
export class PlainHttp1 {
  readonly #parts: ResponseParts;
  #rest: Uint8Array = EMPTY;
  #state: 'head' | 'length' | 'chunk size' | 'chunk' | 'chunk end' | 'trailers' | 'until close' | 'over' =
    'head';
  #left = 0;

  constructor(parts: ResponseParts) {
    this.#parts = parts;
  }

  push(bytes: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? bytes : concat([this.#rest, bytes]);
    while (this.#step());
  }

  /** The response ends with the connection, and that is now. */
  close(): void {
    if (this.#state === 'until close') this.#end();
  }

  /** Whether there may be more to read. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#head();
      case 'length':
      case 'chunk':
        return this.#counted();
      case 'until close':
        return this.#take(this.#rest.length);
      case 'chunk size':
        return this.#line((line) => this.#chunkSize(line));
      case 'chunk end':
        return this.#line(() => {
          this.#state = 'chunk size';
        });
      case 'trailers':
        return this.#line((line) => (line === '' ? this.#end() : this.#parts.trailers()));
      case 'over':
        return false;
    }
  }

  #head(): boolean {
    const end = endOfHead(this.#rest);
    if (end < 0) return false;
    const bytes = this.#rest.subarray(0, end + 4);
    this.#rest = this.#rest.subarray(end + 4);
    const [first, ...lines] = latin1(bytes.subarray(0, end)).split('\r\n');
    const status = Number(first!.split(' ')[1]);
    if (status < 200) this.#parts.interim(bytes);
    else this.#begin({ status, headers: lines.map(headerIn) });
    return true;
  }

  #begin(head: AnswerHead): void {
    const { status, headers } = head;
    const field = (name: string) => headers.find(([each]) => each.toLowerCase() === name)?.[1];
    const length = field('content-length');
    this.#parts.head(head);
    if (status === 204 || status === 304) this.#end();
    else if (/\bchunked$/i.test(field('transfer-encoding') ?? '')) this.#state = 'chunk size';
    else if (length === undefined) this.#state = 'until close';
    else {
      this.#left = Number(length);
      this.#state = 'length';
      if (this.#left === 0) this.#end();
    }
  }

  #counted(): boolean {
    const taken = Math.min(this.#left, this.#rest.length);
    this.#left -= taken;
    if (!this.#take(taken)) return false;
    if (this.#left > 0) return true;
    if (this.#state === 'length') this.#end();
    else this.#state = 'chunk end';
    return true;
  }

  #take(length: number): boolean {
    if (length === 0) return false;
    this.#parts.body(this.#rest.subarray(0, length));
    this.#rest = this.#rest.subarray(length);
    return true;
  }

  #chunkSize(line: string): void {
    this.#left = Number.parseInt(line, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
  }

  #line(read: (line: string) => void): boolean {
    const end = this.#rest.indexOf(CR);
    if (end < 0 || end + 1 >= this.#rest.length) return false;
    const line = latin1(this.#rest.subarray(0, end));
    this.#rest = this.#rest.subarray(end + 2);
    read(line);
    return true;
  }

  #end(): void {
    this.#state = 'over';
    this.#parts.end();
  }
}

function headerIn(line: string): Header {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}

/** What Node's `Buffer` adds to bytes. */
interface NativeBytes {
  latin1Slice(from: number, to: number): string;
}

/** Bytes as characters up to U+00FF. */
function latin1(bytes: Uint8Array & Partial<NativeBytes>): string {
  if (bytes.latin1Slice) return bytes.latin1Slice(0, bytes.length);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Where the empty line begins that ends a head. */
function endOfHead(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1))
    if (bytes[at + 2] === CR && bytes[at + 1] === LF && bytes[at + 3] === LF) return at;
  return -1;
}
