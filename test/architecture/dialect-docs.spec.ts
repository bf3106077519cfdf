import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { dialectReference } from '@sever/scim';
import { inMarkers } from '../../apps/sever/src/setup/generated-section.js';

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/dialects.md'), 'utf8');

describe('docs/dialects.md', () => {
  it('has every dialect and every rule; npm run docs:generate writes them', () => {
    expect(inMarkers(page, 'dialects', dialectReference())).toBe(page);
  });

  it('would notice a stale table', () => {
    expect(inMarkers(page, 'dialects', dialectReference().replace('E15', 'E99'))).not.toBe(page);
  });
});
