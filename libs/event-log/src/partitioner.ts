/** Partitions of each topic, equal for both topics and both profiles; growth would re-hash keys and break order. */
export const PARTITIONS = 48;

const MULTIPLIER = 0x5bd1e995;
const SEED = 0x9747b28c;

/** Kafka's key hash (MurmurHash2, 32 bit, signed), equal to the Java client's. */
export function murmur2(data: Buffer): number {
  const length = data.length;
  let hash = SEED ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let word = Math.imul(data.readInt32LE(i), MULTIPLIER);
    word ^= word >>> 24;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  const rest = length - i;
  if (rest === 3) hash ^= data.readUInt8(i + 2) << 16;
  if (rest >= 2) hash ^= data.readUInt8(i + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ data.readUInt8(i), MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/** Partition of a key: computed here and sent explicitly by every adapter, so that both profiles agree. */
export const partitionOf = (key: string, partitions: number = PARTITIONS): number =>
  (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions;
