// The layouts of x0x 0.39.3 (commit 7cb00ad), written down once more from its Rust source and not from src/: what both agree on is
// what the source says. Names and line numbers are those of the source.

/** `bincode::serialize` of bincode 1.3 (Cargo.toml line 25): fixed integers, little endian, lengths and `usize` as u64. */
export const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};
export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
export const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
export const vec = (bytes: Uint8Array): Buffer => Buffer.concat([u64(bytes.length), bytes]);
export const string = (text: string): Buffer => vec(Buffer.from(text));
export const some = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.of(1), bytes]);
export const none: Buffer = Buffer.of(0);
export const bool = (value: boolean): Buffer => Buffer.of(value ? 1 : 0);
export const id = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** `push_len_prefixed` of src/groups/card.rs line 254. */
export const lengthPrefixed = (text: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(text as string);
  return Buffer.concat([u32(bytes.length), bytes]);
};
