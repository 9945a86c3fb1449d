import { seal, signOnly, utf8 } from './reference.mjs';
import { alice, bob, fixed, NOW } from './world.mjs';

export const HELLO = utf8('{"hello":"world"}');

/** A fresh set of randomness per case, so that no nonce comes twice. */
export const randomFor = (name) => ({
  ephemeralSecret: fixed(`${name} ephemeral`),
  kemCoins: fixed(`${name} kem`),
  mlDsaRandom: fixed(`${name} ml-dsa`),
});
export const nonceFor = (name) => fixed(`${name} nonce`, 16);

export function maker(version, sealed) {
  const prefix = `v${version}${sealed ? '' : ' signed-only'}`;
  /** An envelope from alice to bob; `more` changes members, `change` single steps (see reference.mjs). */
  return (name, more = {}, change = {}) => {
    const message = {
      version,
      sender: alice,
      recipient: bob,
      timestamp: NOW,
      nonce: nonceFor(`${prefix} ${name}`),
      scope: 'orders:read',
      content: HELLO,
      ...more,
    };
    const random = randomFor(`${prefix} ${name}`);
    const made = (sealed ? seal : signOnly)(message, random, change);
    return { ...made, message, random };
  };
}
