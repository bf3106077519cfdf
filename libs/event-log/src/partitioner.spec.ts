import { describe, expect, it } from '@jest/globals';
import { murmur2, partitionOf } from './partitioner.js';

// Known answers of the Java client.
const VECTORS: [string, number, number, number][] = [
  ['', 275646681, 9, 9],
  ['21', -973932308, 12, 0],
  ['abc', 479470107, 27, 3],
  ['foobar', -790332482, 30, 6],
  ['a-little-bit-long-string', -985981536, 32, 8],
  ['acme:u-1', 438336366, 30, 6],
  ['acme:jürgen', -351750216, 8, 8],
];

describe('the partitioner', () => {
  it.each(VECTORS)('hashes %j as Kafka does', (key, hash, of48, of12) => {
    expect(murmur2(Buffer.from(key, 'utf8'))).toBe(hash);
    expect(partitionOf(key, 48)).toBe(of48);
    expect(partitionOf(key, 12)).toBe(of12);
  });
});
