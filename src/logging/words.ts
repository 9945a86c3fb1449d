/** The words of a name in lower case: `X-Api_Key`, `xApiKey` and `X_API_KEY` are `x`, `api`, `key`. */
export const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');

/** The letters of a name in lower case and nothing else: `xapikey`. */
export const lettersOf = (name: string): string => name.toLowerCase().replace(/[^a-z]+/g, '');
