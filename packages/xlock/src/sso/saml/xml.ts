import { XlockError } from '../../errors.js';

/** An element as this package reads it. */
export interface XmlElement {
  /** Name without its prefix. */
  readonly name: string;
  readonly namespace: string;
  /** By name; with a prefix by `{namespace}name`. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** All of its text; empty where it has children. */
  readonly text: string;
}

const MOST_DEPTH = 24;
const MOST_ELEMENTS = 300;
const NAME = String.raw`[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?`;
const SPACE = '[ \\t\\r\\n]'; // that of XML, not of JavaScript
const VALUE = `"[^"<]*"|'[^'<]*'`;
const TOKEN = new RegExp(
  `<(${NAME})((?:${SPACE}+${NAME}${SPACE}*=${SPACE}*(?:${VALUE}))*)${SPACE}*(/?)>|</(${NAME})${SPACE}*>|([^<]+)`,
  'y',
);
const ATTRIBUTE = new RegExp(`(${NAME})${SPACE}*=${SPACE}*(${VALUE})`, 'g');
const DECLARATION =
  /^<\?xml[ \t\r\n]+version=["']1\.0["']( encoding=["']utf-8["'])?( standalone=["'](yes|no)["'])?[ \t\r\n]*\?>/i;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const XML = 'http://www.w3.org/XML/1998/namespace';

/** Why a message is refused: it names no value of it. */
export const refused = (why: string): XlockError =>
  new XlockError('REQUEST_INVALID', { field: 'SAMLRequest', resolution: why });

/**
 * Reads the part of XML that SAML requests are made of. Refuses what parsers read in different ways, and what attacks are made of: DOCTYPE and
 * entities of one's own, comments, CDATA, processing instructions, text beside elements, control characters, deep or wide trees. Throws
 * `REQUEST_INVALID`.
 */
export function readXml(text: string): XmlElement {
  if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(text))
    throw refused('The message holds characters that are no text.');
  const body = text.replace(DECLARATION, '').replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  if (/<[!?]/.test(body))
    throw refused('DOCTYPE, comments, CDATA and processing instructions are not taken.');
  const reader = new Reader(body);
  const root = reader.element(new Map([['xml', XML]]), 0);
  if (!reader.isAtEnd) throw refused('The message must be one element.');
  return root;
}

class Reader {
  readonly #text: string;
  #at = 0;
  #elements = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  element(outer: ReadonlyMap<string, string>, depth: number): XmlElement {
    const [, tag, attributeText = '', isEmpty] = this.#next();
    if (tag === undefined) throw refused('The message is not well-formed.');
    if (depth > MOST_DEPTH || ++this.#elements > MOST_ELEMENTS)
      throw refused('The message has too many elements.');
    const pairs = [...attributeText.matchAll(ATTRIBUTE)].map(
      ([, name, quoted]) => [name!, unescaped(quoted!.slice(1, -1))] as const,
    );
    const scope = new Map([...outer, ...declared(pairs)]);
    const { name, namespace } = resolved(tag, scope, scope.get('') ?? '');
    const attributes = new Map<string, string>();
    for (const [raw, value] of pairs) {
      if (raw === 'xmlns' || raw.startsWith('xmlns:')) continue;
      const attribute = resolved(raw, scope, '');
      const key = attribute.namespace === '' ? attribute.name : `{${attribute.namespace}}${attribute.name}`;
      if (attributes.has(key)) throw refused('An attribute stands twice.');
      attributes.set(key, value);
    }
    const children: XmlElement[] = [];
    let text = '';
    while (isEmpty === '') {
      const start = this.#at;
      const [, open, , , close, run] = this.#next();
      if (close !== undefined) {
        if (close !== tag) throw refused('The message is not well-formed.');
        break;
      }
      if (run !== undefined) text += unescaped(run);
      else if (open !== undefined) {
        this.#at = start;
        children.push(this.element(scope, depth + 1));
      }
    }
    if (children.length > 0 && /[^ \t\r\n]/.test(text)) throw refused('Text stands beside elements.');
    return { name, namespace, attributes, children, text: children.length > 0 ? '' : text };
  }

  #next(): RegExpExecArray {
    TOKEN.lastIndex = this.#at;
    const token = TOKEN.exec(this.#text);
    if (!token) throw refused('The message is not well-formed.');
    this.#at = TOKEN.lastIndex;
    return token;
  }
}

function declared(pairs: readonly (readonly [string, string])[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
    const prefix = name === 'xmlns' ? '' : name.slice(6);
    if (found.has(prefix) || prefix === 'xml' || (value === '' && prefix !== ''))
      throw refused('A namespace is declared in a wrong way.');
    found.set(prefix, value);
  }
  return found;
}

function resolved(raw: string, scope: ReadonlyMap<string, string>, bare: string) {
  const colon = raw.indexOf(':');
  if (colon < 0) return { name: raw, namespace: bare };
  const namespace = scope.get(raw.slice(0, colon));
  if (namespace === undefined) throw refused('A prefix is not declared.');
  return { name: raw.slice(colon + 1), namespace };
}

const unescaped = (text: string): string =>
  text.replace(/&([^;&]{0,12};?)/g, (_, entity: string) => {
    const value = entity.endsWith(';') ? ENTITIES[entity.slice(0, -1)] : undefined;
    if (value === undefined) throw refused('Entities beside the five of XML are not taken.');
    return value;
  });
