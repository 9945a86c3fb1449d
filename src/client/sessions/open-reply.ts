import type { CryptoProvider } from '../../crypto/provider.js';
import { type Content, unframePlaintext } from '../../envelope/plaintext.js';
import { xlinkError } from '../../errors/errors.js';
import { FRAME } from '../../http/answer-frames.js';
import { mediaTypeOf, PROBLEM_TYPE } from '../../http/media-type.js';
import { problemId } from '../../http/problem.js';
import { PlaintextHash } from '../../session/checkpoint/leaf.js';
import { answerCipher, type ReplyKind, type RequestTie } from '../../session/request.js';
import type { Session } from '../../session/schedule/master.js';
import { decodeUtf8 } from '../../util/utf8.js';
import { type BegunAnswer, openFrames } from '../open-answer.js';
import type { Opening } from '../opening.js';
import type { Exchanged } from '../response.js';
import type { SentRequest } from './held-checkpoints.js';

/** What came back in a session. */
export interface Reply extends Exchanged {
  /** `refusal`: the service took the request, and refused it before it reached the application. */
  readonly kind: ReplyKind;
  /** The id of its error, if it is a short problem document. */
  readonly problem: string | undefined;
}

const undecipherable = () => xlinkError('DECRYPT_FAILED:DECRYPTION', { field: 'payload' });

/** Opens what was sealed in this session, in reply to this one request. `sent`: told what is to be signed of it. Throws `ANSWER_INVALID…`. */
export async function openReply(
  crypto: CryptoProvider,
  session: Session,
  tie: RequestTie,
  response: Response,
  opening: Pick<Opening, 'signal' | 'maxBytes'>,
  sent?: SentRequest,
): Promise<Reply> {
  let kind: ReplyKind = 'answer';
  let problem: string | undefined;
  const open = async (head: Uint8Array, first: Uint8Array, isFinal: boolean): Promise<BegunAnswer> => {
    if (head.length !== 17 || head[0]! > 1) throw xlinkError('ANSWER_INVALID', { field: 'head' });
    kind = head[0] === 1 ? 'refusal' : 'answer';
    const cipher = await answerCipher(crypto, session, tie, kind, head.subarray(1));
    const plaintext = await cipher.openFirst(first, isFinal);
    if (!plaintext) throw undecipherable();
    const see = watching(crypto, sent);
    see(plaintext, isFinal);
    const content = unframePlaintext('answer', session.to, plaintext);
    if (isFinal) problem = problemIn(content);
    return {
      content,
      async chunk(sealed, isLast) {
        const bytes = await cipher.open(sealed, isLast);
        if (!bytes) throw undecipherable();
        see(bytes, isLast);
        return bytes;
      },
    };
  };
  const exchanged = await openFrames(response, FRAME.sessionHead, open, opening);
  return { ...exchanged, kind, problem };
}

/** Hashes what comes, for a request that is to be signed. */
function watching(crypto: CryptoProvider, sent: SentRequest | undefined) {
  const hash = sent && new PlaintextHash(crypto);
  return (plaintext: Uint8Array, isFinal: boolean): void => {
    const whole = hash?.more(plaintext, isFinal);
    if (whole) Object.assign(sent!, { answer: whole, isOver: true });
  };
}

function problemIn({ status, contentType, bytes }: Content): string | undefined {
  if (status! < 400 || mediaTypeOf(contentType) !== PROBLEM_TYPE) return undefined;
  try {
    return problemId(JSON.parse(decodeUtf8(bytes)));
  } catch {
    return undefined; // it is the application's own business
  }
}
