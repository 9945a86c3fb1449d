/** Members that say yes or no, of results and of rows: a customer of whom one is false is none whose key counts. */
const YES = new Set(
  'ok success valid isValid authenticated isAuthenticated authorized isAuthorized active isActive enabled isEnabled exists found'.split(
    ' ',
  ),
);
/** The same the other way round. */
const NO = new Set(
  'revoked isRevoked disabled isDisabled expired isExpired blocked isBlocked banned isBanned suspended isSuspended deleted isDeleted'.split(
    ' ',
  ),
);

/** As databases, forms and queries spell it; `null` says nothing. */
const IS_FALSE = /^(|0|f|n|no|off|false)$/i;
const IS_TRUE = /^(1|t|y|yes|on|true)$/i;

const SPELLED = new Set(['boolean', 'number', 'bigint', 'string']);

const spells = (value: unknown, pattern: RegExp): boolean =>
  SPELLED.has(typeof value) && pattern.test(String(value).trim());

type Members = Readonly<Record<string, unknown>>;

/** Whether the members of what a validator returned say that the key does not count. */
export const saysNo = (members: Members): boolean =>
  Object.keys(members).some((name) =>
    YES.has(name) ? spells(members[name], IS_FALSE) : NO.has(name) && spells(members[name], IS_TRUE),
  );
