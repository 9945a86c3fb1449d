/** What a sender asks for. `auto` leaves it to the policy. */
export type SecurityLevel = 'auto' | FixedSecurity;

/** `high`: any 2 of 3 shares give the message back, `critical`: any 3 of 5; `standard`: one envelope. */
export type FixedSecurity = 'standard' | 'high' | 'critical';

/** How many shares there are, and how many of them give the message back. */
export interface ShareCount {
  /** Shares that are made. */
  readonly total: number;
  /** Shares that are needed. */
  readonly threshold: number;
}

/** How a message is protected. */
export interface SecurityMode {
  /** `split`: shares, each in a sealed envelope of its own; `xchange`: shares of a key, without key agreement. */
  readonly type: 'standard' | 'split' | 'xchange';
  /** `performance` is that of Xchange. */
  readonly level: 'standard' | 'high' | 'critical' | 'performance';
  /** Absent for `standard`. */
  readonly shares?: ShareCount;
  /** Why the policy chose it; absent where it was asked for. */
  readonly reasons?: readonly string[];
}

/** The shares of each level. */
export const SHARES_OF: Readonly<Record<'high' | 'critical', ShareCount>> = {
  high: { total: 3, threshold: 2 },
  critical: { total: 5, threshold: 3 },
};

/** From least to most. */
export const SECURITY_ORDER: readonly FixedSecurity[] = ['standard', 'high', 'critical'];
