import { writeFileSync } from 'node:fs';
import { asyncApiDocument } from '@sever/event-contracts';

// Files that follow from the code; a spec fails when they are stale.
writeFileSync(
  new URL('../docs/asyncapi.json', import.meta.url),
  `${JSON.stringify(asyncApiDocument(), null, 2)}\n`,
);
