import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { accessReference } from '../../apps/sever/src/setup/access-reference.js';
import { inMarkers } from '../../apps/sever/src/setup/generated-section.js';
import { settingsReference } from '../../apps/sever/src/setup/settings-reference.js';

const guide = readFileSync(path.resolve(import.meta.dirname, '../../deploy/README.md'), 'utf8');

describe('deploy/README.md', () => {
  it('has every setting of every process; npm run docs:generate writes them', async () => {
    expect(inMarkers(guide, 'settings', await settingsReference())).toBe(guide);
  });

  it('has the access rules that the set-up grants', () => {
    expect(inMarkers(guide, 'access', accessReference())).toBe(guide);
  });

  it('would notice a stale section', () => {
    expect(inMarkers(guide, 'access', 'something else')).not.toBe(guide);
    expect(() => inMarkers(guide, 'gone', '')).toThrow(/no markers/);
  });
});
