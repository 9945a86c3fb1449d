import type { KeyRecord } from '@private.me/xlink';
import { toXlockError, XlockError } from '../errors.js';
import { isMembers } from '../util/bytes.js';
import { hasMethods, invalidOption } from '../util/options.js';
import type { XlockVerifier } from '../verifier/verifier.js';
import { type RelayChannel, SCOPES } from './channel.js';
import type { XlockPush } from './push.js';

/** Pushes over a relay of xLink, and takes answers from there: neither side has to be reachable. */
export class RelayPush implements XlockPush {
  readonly #channel: RelayChannel;

  /** `channel`: of the identity of the service. Throws `INVALID_OPTION`. */
  constructor(channel: RelayChannel) {
    if (!hasMethods('listen', 'send', 'know', 'keys')(channel))
      throw invalidOption('channel', 'RelayPush: channel must be a RelayChannel.');
    this.#channel = channel;
  }

  /** Takes answers for this verifier, and tells devices what became of them, until the channel is closed. */
  answerTo(verifier: Pick<XlockVerifier, 'respond' | 'deviceKeys'>): void {
    const find = async (did: string) => {
      const keys = await verifier.deviceKeys(did);
      return keys && { keys, scopes: [SCOPES.answer] };
    };
    this.#channel.listen(async ({ from, scope, payload }) => {
      const answer = isMembers(payload) ? payload['answer'] : undefined;
      if (scope !== SCOPES.answer || !isMembers(answer)) return;
      const { challengeId } = answer;
      // A device speaks for itself only.
      const outcome = await (answer['deviceId'] === from
        ? verifier.respond(answer).then(({ state }) => ({ state }))
        : Promise.reject(new XlockError('RESPONSE_DEVICE_MISMATCH'))
      ).catch((error: unknown) => ({ error: toXlockError(error).id }));
      await this.#channel.send(from, SCOPES.outcome, { challengeId, ...outcome });
    }, find);
  }

  /** Resolves once the relay has it. Throws `PUSH_NOTIFICATION_DISABLED`, also for a device that registered without a relay. */
  async send(deviceId: string, challenge: string, keys: KeyRecord | undefined): Promise<void> {
    if (!keys) throw new XlockError('PUSH_NOTIFICATION_DISABLED');
    await this.#channel.know(deviceId, [SCOPES.answer], keys);
    await this.#channel.send(deviceId, SCOPES.challenge, {
      challenge,
      keys: await this.#channel.keys(),
    });
  }
}
