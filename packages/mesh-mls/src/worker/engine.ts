import {
  type ClientState,
  createApplicationMessage,
  createCommit,
  createGroup,
  createGroupInfoWithExternalPubAndRatchetTree,
  createProposal,
  decodeMlsMessage,
  defaultCapabilities,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackageWithKey,
  joinGroup,
  joinGroupExternal,
  type KeyPackage,
  type Proposal,
} from 'ts-mls';
import { makeKeyPackageRef } from 'ts-mls/keyPackage.js';
import { GroupError, isGroupError } from '../errors.js';
import { MLS_SUITES, type MlsSuite, suiteOf } from '../suites.js';
import { toText } from '../util/bytes.js';
import { headerOf } from './header.js';
import { assertMembers, didOf, difference, membersOf, viewOf } from './members.js';
import type { LogEntry, Operations, OwnKeyPackage, Self, Taken } from './protocol.js';
import { signerOfWelcome } from './signers.js';
import { type Ask, configOf, implOf, implOfState, States } from './states.js';
import { isFatal, isPendingRemoval, takeEntry } from './take.js';

/** How long a key package is good, in s: four weeks. */
const LIFETIME_S = 28 * 86_400;
/** Clocks may be apart by this, in s. */
const SKEW_S = 3600;

type Input<Op extends keyof Operations> = Parameters<Operations[Op]>[0];
type Output<Op extends keyof Operations> = Promise<ReturnType<Operations[Op]>>;

/** What the worker does, on the states that it holds. */
export class Engine {
  readonly states = new States();

  async keyPackages({ self, suite, count, now }: Input<'keyPackages'>): Output<'keyPackages'> {
    const made: OwnKeyPackage[] = [];
    for (let at = 0; at < count; at++) made.push((await keyPackage(self, suite, now)).own);
    return made;
  }

  async create({ self, suite, group, now, external }: Input<'create'>, ask: Ask): Output<'create'> {
    const impl = await implOf(suite);
    const { publicPackage, privatePackage } = await keyPackage(self, suite, now);
    const config = configOf(ask, 'strict');
    await config.authService.validateCredential(publicPackage.leafNode.credential, self.publicKey);
    const state = await createGroup(group, publicPackage, privatePackage, [], impl, config);
    const groupInfo = external ? await groupInfoOf(state) : undefined;
    return { ...this.states.hold(state), groupInfo };
  }

  async join({ self, welcome: bytes, keyPackages }: Input<'join'>, ask: Ask): Output<'join'> {
    const message = decode(bytes);
    if (message?.wireformat !== 'mls_welcome') throw new GroupError('WELCOME_INVALID');
    const { welcome } = message;
    const refs = new Set(welcome.secrets.map(({ newMember }) => toText(newMember)));
    const ours = keyPackages.find(({ ref }) => refs.has(ref));
    if (!ours) throw new GroupError('WELCOME_INVALID:NOT_OURS');
    const impl = await implOf(ours.suite);
    const keys = {
      initPrivateKey: ours.initKey,
      hpkePrivateKey: ours.leafKey,
      signaturePrivateKey: self.seed,
    };
    const config = configOf(ask, 'follow');
    const state = await joinGroup(
      welcome,
      readKeyPackage(ours.bytes),
      keys,
      emptyPskIndex,
      impl,
      undefined,
      undefined,
      config,
    ).catch((cause: unknown) => {
      throw isGroupError(cause) ? cause : new GroupError('WELCOME_INVALID', { cause });
    });
    assertMembers([], membersOf(state), new Set());
    const by = await signerOfWelcome(welcome, ours, state, impl);
    return { ...this.states.hold(state), ref: ours.ref, by };
  }

  async joinExternal({ self, groupInfo, now }: Input<'joinExternal'>, ask: Ask): Output<'joinExternal'> {
    const message = decode(groupInfo);
    if (message?.wireformat !== 'mls_group_info') throw new GroupError('WELCOME_INVALID');
    const suite = suiteOf(message.groupInfo.groupContext.cipherSuite);
    const { publicPackage, privatePackage } = await keyPackage(self, suite, now);
    const impl = await implOf(suite);
    const config = configOf(ask, 'follow');
    const { publicMessage, newState } = await joinGroupExternal(
      message.groupInfo,
      publicPackage,
      privatePackage,
      false,
      impl,
      undefined,
      config,
    ).catch((cause: unknown) => {
      throw isGroupError(cause) ? cause : new GroupError('WELCOME_INVALID', { cause });
    });
    assertMembers([], membersOf(newState), new Set());
    const commit = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage });
    return { ...this.states.hold(newState), commit, groupInfo: await groupInfoOf(newState) };
  }

  async commit({ state: input, add, remove, external }: Input<'commit'>, ask: Ask): Output<'commit'> {
    const state = this.states.read(input, configOf(ask, 'strict'));
    const impl = await implOfState(state);
    const before = membersOf(state);
    const proposals: Proposal[] = [];
    for (const { did, keyPackage: bytes } of add) {
      const added = readKeyPackage(bytes);
      if (didOf(added.leafNode.credential) !== did) throw new GroupError('KEY_PACKAGE_INVALID');
      proposals.push({ proposalType: 'add', add: { keyPackage: added } });
    }
    for (const did of remove) {
      const member = before.find((one) => one.did === did);
      if (member && !isPendingRemoval(state, member.leaf))
        proposals.push({ proposalType: 'remove', remove: { removed: member.leaf } });
    }
    const made = await createCommit(
      { state, cipherSuite: impl },
      { extraProposals: proposals, ratchetTreeExtension: true, authenticatedData: headerOf(state) },
    ).catch((cause: unknown) => {
      throw isGroupError(cause)
        ? cause
        : new GroupError(add.length > 0 ? 'KEY_PACKAGE_INVALID' : 'COMMIT_INVALID', { cause });
    });
    const { newState, welcome } = made;
    const after = membersOf(newState);
    assertMembers(before, after, new Set(before.map(({ leaf }) => leaf)));
    return {
      ...this.states.hold(newState, made.consumed),
      commit: encodeMlsMessage(made.commit),
      welcome: welcome && encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome }),
      groupInfo: external ? await groupInfoOf(newState) : undefined,
      ...difference(before, after),
    };
  }

  async adopt({ state: input, next }: Input<'adopt'>, ask: Ask): Output<'adopt'> {
    const config = configOf(ask, 'follow');
    const before = this.states.read(input, config);
    const after = this.states.read(next, config);
    // What was read since the commit was made has turned ratchets: they must not be turned again.
    const history = new Map(after.historicalReceiverData);
    const { epoch } = before.groupContext;
    const kept = history.get(epoch);
    if (kept) history.set(epoch, { ...kept, secretTree: before.secretTree });
    this.states.forget(next.key);
    const { initSecret } = before.keySchedule;
    return this.states.hold({ ...after, historicalReceiverData: history }, [initSecret], input.key);
  }

  async encrypt({ state: input, data }: Input<'encrypt'>, ask: Ask): Output<'encrypt'> {
    const state = this.states.read(input, configOf(ask, 'follow'));
    const made = await createApplicationMessage(state, data, await implOfState(state), headerOf(state));
    const { privateMessage } = made;
    const message = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage });
    return { ...this.states.hold(made.newState, made.consumed, input.key), message };
  }

  async leave({ state: input }: Input<'leave'>, ask: Ask): Output<'leave'> {
    const state = this.states.read(input, configOf(ask, 'follow'));
    const removal: Proposal = {
      proposalType: 'remove',
      remove: { removed: state.privatePath.leafIndex },
    };
    const made = await createProposal(state, false, removal, await implOfState(state), headerOf(state));
    const proposal = encodeMlsMessage(made.message);
    return { ...this.states.hold(made.newState, made.consumed, input.key), proposal };
  }

  async take({ state: input, entries, external }: Input<'take'>, ask: Ask): Output<'take'> {
    let state = this.states.read(input, configOf(ask, 'follow'));
    const taken: Taken[] = [];
    const spent: Uint8Array[] = [];
    let fatal: string | undefined;
    for (const entry of entries) {
      try {
        const step = await takeEntry(state, entry, await implOfState(state), external);
        state = step.state;
        taken.push(step.taken);
        spent.push(...step.spent);
        if (state.groupActiveState.kind !== 'active') break;
      } catch (error) {
        if (!isGroupError(error)) throw error;
        if (isFatal(error.id)) {
          fatal = error.id;
          break;
        }
        taken.push(refusal(entry, error));
      }
    }
    return { ...this.states.hold(state, spent, input.key), taken, fatal };
  }

  async view({ state }: Input<'view'>, ask: Ask): Output<'view'> {
    return viewOf(this.states.read(state, configOf(ask, 'follow')));
  }
}

const refusal = ({ seq, by }: LogEntry, { id }: GroupError): Taken => ({ kind: 'refused', seq, id, by });

function decode(bytes: Uint8Array) {
  try {
    const [message, length] = decodeMlsMessage(bytes, 0) ?? [];
    return length === bytes.length ? message : undefined;
  } catch {
    return undefined;
  }
}

function readKeyPackage(bytes: Uint8Array): KeyPackage {
  const message = decode(bytes);
  if (message?.wireformat !== 'mls_key_package') throw new GroupError('KEY_PACKAGE_INVALID');
  return message.keyPackage;
}

async function groupInfoOf(state: ClientState): Promise<Uint8Array> {
  const groupInfo = await createGroupInfoWithExternalPubAndRatchetTree(state, [], await implOfState(state));
  return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_group_info', groupInfo });
}

async function keyPackage(self: Self, suite: MlsSuite, now: number) {
  const impl = await implOf(suite);
  const seconds = Math.floor(now / 1000);
  const lifetime = { notBefore: BigInt(seconds - SKEW_S), notAfter: BigInt(seconds + LIFETIME_S) };
  const capabilities = {
    ...defaultCapabilities(),
    ciphersuites: [MLS_SUITES[suite]],
    credentials: ['basic' as const],
  };
  const { publicPackage, privatePackage } = await generateKeyPackageWithKey(
    { credentialType: 'basic', identity: self.identity },
    capabilities,
    lifetime,
    [],
    { signKey: self.seed, publicKey: self.publicKey },
    impl,
  );
  const own: OwnKeyPackage = {
    ref: toText(await makeKeyPackageRef(publicPackage, impl.hash)),
    suite,
    bytes: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_key_package', keyPackage: publicPackage }),
    initKey: privatePackage.initPrivateKey,
    leafKey: privatePackage.hpkePrivateKey,
    notAfter: Number(lifetime.notAfter) * 1000,
  };
  return { publicPackage, privatePackage, own };
}
