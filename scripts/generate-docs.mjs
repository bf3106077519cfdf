import { readFileSync, writeFileSync } from 'node:fs';
import { asyncApiDocument } from '@sever/event-contracts';
import { dialectReference } from '@sever/scim';
import { accessReference } from '../apps/sever/dist/setup/access-reference.js';
import { inMarkers } from '../apps/sever/dist/setup/generated-section.js';
import { settingsReference } from '../apps/sever/dist/setup/settings-reference.js';

// Files that follow from the code; a spec fails when they are stale.
writeFileSync(
  new URL('../docs/asyncapi.json', import.meta.url),
  `${JSON.stringify(asyncApiDocument(), null, 2)}\n`,
);
const guide = new URL('../deploy/README.md', import.meta.url);
const text = inMarkers(readFileSync(guide, 'utf8'), 'settings', await settingsReference());
writeFileSync(guide, inMarkers(text, 'access', accessReference()));
const dialects = new URL('../docs/dialects.md', import.meta.url);
writeFileSync(dialects, inMarkers(readFileSync(dialects, 'utf8'), 'dialects', dialectReference()));
