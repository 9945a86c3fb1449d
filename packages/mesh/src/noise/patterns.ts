/** What one step of a handshake does (Noise 5.3 and 9; `e1` and `ekem1` of the HFS extension). */
export type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk' | 'e1' | 'ekem1';

/** Which static keys are known before, and what each message does; the initiator writes the first one. */
export interface Pattern {
  /** The responder knows the initiator's static key before. */
  readonly initiatorKnown: boolean;
  /** The initiator knows the responder's static key before. */
  readonly responderKnown: boolean;
  /** Tokens of each message. */
  readonly messages: readonly (readonly Token[])[];
  /** Only the initiator may send afterwards. */
  readonly isOneWay: boolean;
}

/**
 * Every pattern in one table (Noise 7.4, 7.5 and 18.1): messages between slashes. Whose static key is known before follows
 * from the name: K of the initiator comes first, K of the responder last.
 */
// biome-ignore format: a table reads best with one row per line
const TABLE = {
  N: 'e es', K: 'e es ss', X: 'e es s ss',
  NN: 'e / e ee',
  NK: 'e es / e ee',
  NX: 'e / e ee s es',
  XN: 'e / e ee / s se',
  XK: 'e es / e ee / s se',
  XX: 'e / e ee s es / s se',
  KN: 'e / e ee se',
  KK: 'e es ss / e ee se',
  KX: 'e / e ee se s es',
  IN: 'e s / e ee se',
  IK: 'e es s ss / e ee se',
  IX: 'e s / e ee se s es',
  NK1: 'e / e ee es',
  NX1: 'e / e ee s / es',
  X1N: 'e / e ee / s / se',
  X1K: 'e es / e ee / s / se',
  XK1: 'e / e ee es / s se',
  X1K1: 'e / e ee es / s / se',
  X1X: 'e / e ee s es / s / se',
  XX1: 'e / e ee s / es s se',
  X1X1: 'e / e ee s / es s / se',
  K1N: 'e / e ee / se',
  K1K: 'e es / e ee / se',
  KK1: 'e / e ee se es',
  K1K1: 'e / e ee es / se',
  K1X: 'e / e ee s es / se',
  KX1: 'e / e ee se s / es',
  K1X1: 'e / e ee s / se es',
  I1N: 'e s / e ee / se',
  I1K: 'e es s / e ee / se',
  IK1: 'e s / e ee se es',
  I1K1: 'e s / e ee es / se',
  I1X: 'e s / e ee s es / se',
  IX1: 'e s / e ee se s / es',
  I1X1: 'e s / e ee s / se es',
} as const;

/** Names of the patterns without modifiers. */
export type PatternName = keyof typeof TABLE;

/** All of them, in the order of the table. */
export const PATTERN_NAMES = Object.keys(TABLE) as readonly PatternName[];

/** The pattern of a name such as `XX`, `IKpsk2` or `XXhfs+psk3`; `undefined` if there is none. */
export function patternOf(text: string): Pattern | undefined {
  const [, name, modifiers] = /^([A-Z][A-Z0-9]*)(.*)$/.exec(text) ?? [];
  if (name === undefined || !Object.hasOwn(TABLE, name)) return undefined;
  const isOneWay = name.length === 1;
  const last = isOneWay ? name : name.replaceAll('1', '')[1];
  let messages: readonly (readonly Token[])[] = TABLE[name as PatternName]
    .split(' / ')
    .map((message) => message.split(' ') as Token[]);
  for (const modifier of modifiers ? modifiers.split('+') : []) {
    const next = modifier === 'hfs' ? withHybrid(messages) : withPsk(messages, modifier);
    if (!next) return undefined;
    messages = next;
  }
  return {
    initiatorKnown: name.startsWith('K'),
    responderKnown: isOneWay || last === 'K',
    messages,
    isOneWay,
  };
}

/** `psk0` goes in front of the first message, `pskN` behind message N. */
function withPsk(messages: readonly (readonly Token[])[], modifier: string) {
  const place = /^psk(\d)$/.exec(modifier)?.[1];
  if (place === undefined || Number(place) > messages.length) return undefined;
  const at = Math.max(0, Number(place) - 1);
  return messages.map((message, index): readonly Token[] => {
    if (index !== at) return message;
    return place === '0' ? ['psk', ...message] : [...message, 'psk'];
  });
}

/** The KEM key goes right behind the first `e`, and its ciphertext right behind the first `ee`. */
function withHybrid(messages: readonly (readonly Token[])[]) {
  if (!messages.some((message) => message.includes('ee'))) return undefined;
  return messages.map((message, index) =>
    message.flatMap((token): Token[] => {
      if (token === 'e' && index === 0) return ['e', 'e1'];
      return token === 'ee' ? ['ee', 'ekem1'] : [token];
    }),
  );
}
