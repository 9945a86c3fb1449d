import { type Agent, type Envelope, isXlinkError } from '@private.me/xlink';
import { answered, type Model, type Surroundings } from './model.js';

/** So many of the latest envelopes are sent again. */
const REMEMBERED = 500;
const COPIES = 3;

/** Envelopes of one sender to a service of several instances, each in copies at the same moment, and again later. */
export function nonceModel(around: Surroundings, sender: Agent, instance: () => Agent): Model {
  const { random, tally, limitMs, name } = around;
  const sent: { readonly envelope: Envelope; accepted: number }[] = [];
  const make = () => sender.createEnvelope({ to: instance().did!, scope: 'soak', payload: sent.length });

  async function deliver(one: (typeof sent)[number], copies: number): Promise<void> {
    const receive = async () => {
      const to = instance();
      const received = await to.receive(one.envelope);
      if (!received.ok) throw received.error;
    };
    await Promise.all(
      Array.from({ length: copies }, async () => {
        if (await tally.call(`${name} receive`, limitMs, receive)) one.accepted += 1;
      }),
    );
    if (one.accepted > 1) tally.wrong(`${name}: an envelope was accepted ${one.accepted} times`);
  }

  return {
    async step() {
      if (sent.length > 0 && random.below(2) === 0) return deliver(random.pick(sent), 1);
      const one = { envelope: await make(), accepted: 0 };
      sent.push(one);
      if (sent.length > REMEMBERED) sent.shift();
      await deliver(one, COPIES);
    },
    async settle() {
      for (const one of sent) await deliver(one, 1);
      await answered(around, 'receive', async () => {
        const received = await instance().receive(await make());
        if (!received.ok && isXlinkError(received.error)) throw received.error;
      });
    },
  };
}
