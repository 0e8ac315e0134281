/**
 * A binary fuse filter with 16-bit fingerprints: 18 bits per key, no false negatives, one false positive in 65,536.
 *
 * Our own code, because published packages use BigInt, are 13 to 200 times slower, and can only be stored as JSON.
 *
 * @see Graf and Lemire, Binary Fuse Filters: Fast and Smaller Than Xor Filters (2022).
 */
export interface FuseShard {
  keys: number
  seed: number
  segments: number
  segmentLength: number
  /** `(segments + 2) * segmentLength` values; none if there are no keys. */
  fingerprints: Uint16Array
}

const MAXIMUM_ATTEMPTS = 100

/**
 * Builds a filter over distinct keys. The same keys always give the same filter.
 *
 * @param keys Pairs of words: the low and the high 32 bits of each key. About a million of them, because all the work
 *   is in memory.
 * @throws {RangeError} If keys repeat. Distinct ones fit after a few seeds.
 */
export function buildFuse(keys: Uint32Array): FuseShard {
  const count = keys.length / 2
  if (count === 0) return { keys: 0, seed: 0, segments: 0, segmentLength: 0, fingerprints: new Uint16Array() }
  const { segments, segmentLength } = sizeOf(count)
  const slots = (segments + 2) * segmentLength
  const uses = new Uint16Array(slots)
  const mixed = new Uint32Array(slots)
  const single = new Uint32Array(slots)
  const peeledKey = new Uint32Array(count)
  const peeledSlot = new Uint32Array(count)
  for (let attempt = 1; attempt <= MAXIMUM_ATTEMPTS; attempt++) {
    const seed = Math.imul(attempt, 0x9e3779b1) >>> 0
    uses.fill(0)
    mixed.fill(0)
    for (let key = 0; key < count; key++) {
      place(keys[2 * key + 1] as number, keys[2 * key] as number, seed, segments, segmentLength)
      for (const slot of [slot0, slot1, slot2]) {
        uses[slot] = (uses[slot] as number) + 1
        mixed[slot] = (mixed[slot] as number) ^ key
      }
    }
    // A slot that only one key uses determines that key's equation. Removing the key frees its other slots.
    let waiting = 0
    for (let slot = 0; slot < slots; slot++) if (uses[slot] === 1) single[waiting++] = slot
    let peeled = 0
    while (waiting > 0) {
      const own = single[--waiting] as number
      if (uses[own] !== 1) continue
      const key = mixed[own] as number
      peeledKey[peeled] = key
      peeledSlot[peeled++] = own
      place(keys[2 * key + 1] as number, keys[2 * key] as number, seed, segments, segmentLength)
      for (const slot of [slot0, slot1, slot2]) {
        mixed[slot] = (mixed[slot] as number) ^ key
        uses[slot] = (uses[slot] as number) - 1
        if (uses[slot] === 1) single[waiting++] = slot
      }
    }
    if (peeled < count) continue
    const fingerprints = new Uint16Array(slots)
    while (peeled > 0) {
      const key = peeledKey[--peeled] as number
      place(keys[2 * key + 1] as number, keys[2 * key] as number, seed, segments, segmentLength)
      // The slot itself is still zero, so it may be one of the three.
      fingerprints[peeledSlot[peeled] as number] =
        fingerprint ^
        (fingerprints[slot0] as number) ^
        (fingerprints[slot1] as number) ^
        (fingerprints[slot2] as number)
    }
    return { keys: count, seed, segments, segmentLength, fingerprints }
  }
  throw new RangeError('A filter requires distinct keys.')
}

/** Whether the filter may contain the key. A negative answer is always right. */
export function fuseHas(shard: FuseShard, high: number, low: number): boolean {
  if (shard.keys === 0) return false
  const { fingerprints } = shard
  place(high, low, shard.seed, shard.segments, shard.segmentLength)
  return (
    fingerprint ===
    ((fingerprints[slot0] as number) ^ (fingerprints[slot1] as number) ^ (fingerprints[slot2] as number))
  )
}

/** Sizes as in the authors' own implementation for three slots per key. */
function sizeOf(count: number): { segments: number; segmentLength: number } {
  const segmentLength = Math.min(2 ** 16, 2 ** Math.floor(Math.log(count) / Math.log(3.33) + 2.25))
  const slack = count === 1 ? 1 : Math.max(1.125, 0.875 + (0.25 * Math.log(1e6)) / Math.log(count))
  const segments = Math.max(1, Math.ceil(Math.round(count * slack) / segmentLength) - 2)
  return { segments, segmentLength }
}

/**
 * The three slots of a key and the value of their fingerprints: the results of {@link place}. Returning them would
 * allocate an object for each of a thousand million keys.
 */
let slot0 = 0
let slot1 = 0
let slot2 = 0
let fingerprint = 0

function place(high: number, low: number, seed: number, segments: number, segmentLength: number): void {
  const a = mix(high ^ seed)
  const b = mix(low ^ a)
  // (b, c) determines the key, so no two keys are equal in everything for every seed.
  const c = mix(a ^ Math.imul(b, 0x9e3779b1))
  const mask = segmentLength - 1
  slot0 = Math.floor((b / 0x1_0000_0000) * segments * segmentLength)
  slot1 = (slot0 + segmentLength) ^ (c & mask)
  slot2 = (slot0 + 2 * segmentLength) ^ ((c >>> 16) & mask)
  fingerprint = mix(b ^ ((c << 13) | (c >>> 19))) & 0xffff
}

/** The finalizer of MurmurHash3: every bit of the word changes about half of the others. */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
