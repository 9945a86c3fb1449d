/** Whether it is what `store` of `openXlockStorage` may be. */
export const isStoreUrl = (value: unknown): value is string =>
  typeof value === 'string' && /^(postgres(ql)?|rediss?):\/\//.test(value) && URL.canParse(value);
