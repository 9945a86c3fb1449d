/** File name -> text of every vector file. */
export function generate(): Record<string, string>;
