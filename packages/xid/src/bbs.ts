import type { Did } from '@private.me/xlink';

/**
 * A port for BBS signatures (draft-irtf-cfrg-bbs-signatures), which this package does not implement: one credential, from which its holder derives a presentation for
 * each service, that neither service nor registrar can link. What is missing for it: the pseudonyms that keep a holder from being many
 * (draft-irtf-cfrg-bbs-per-verifier-linkability) are in no library, and both documents are drafts.
 *
 * What implements it goes where an `XidService` goes: it is an `EnrollmentVerifier` that takes `{ kind: 'bbs' }`.
 */
export interface BbsCredentials {
  /** A presentation for one service and epoch, bound to the identity that shows it. */
  present(request: {
    readonly did: Did;
    readonly audience: string;
    readonly epoch: number;
    /** Indices of the messages that are shown. */
    readonly disclosed: readonly number[];
  }): Promise<Uint8Array>;
  /**
   * Checks one. `pseudonym`: the same for each presentation of one holder to one service in one epoch, and for no other, so that a holder is let in once;
   * `undefined`: not good.
   */
  verify(
    presentation: Uint8Array,
    expected: { readonly did: Did; readonly audience: string; readonly epoch: number },
  ): Promise<{ readonly pseudonym: string; readonly disclosed: readonly string[] } | undefined>;
}
