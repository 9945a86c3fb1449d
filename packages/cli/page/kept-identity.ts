/** An identity that was made for an invite: it stays in this browser, over a reload and a lost line, until its owner has saved it. */
export interface KeptIdentity {
  /** PKCS#8, base64. */
  readonly pkcs8: string;
  /** The one who invites has it in the registry. */
  readonly isAccepted: boolean;
}

/** By a hash of the code, which is no secret. */
async function placeOf(code: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(code));
  return `xlink-invite-${btoa(String.fromCharCode(...new Uint8Array(digest).slice(0, 16)))}`;
}

export async function keptFor(code: string): Promise<KeptIdentity | undefined> {
  try {
    const text = localStorage.getItem(await placeOf(code));
    return text === null ? undefined : (JSON.parse(text) as KeptIdentity);
  } catch {
    return undefined; // a browser that keeps nothing
  }
}

/** False where the browser keeps nothing: then the file is the only copy. */
export async function keep(code: string, identity: KeptIdentity): Promise<boolean> {
  try {
    localStorage.setItem(await placeOf(code), JSON.stringify(identity));
    return true;
  } catch {
    return false;
  }
}

export async function forget(code: string): Promise<void> {
  try {
    localStorage.removeItem(await placeOf(code));
  } catch {
    // there was none
  }
}
