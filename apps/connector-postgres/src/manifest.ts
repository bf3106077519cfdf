import { readFileSync } from 'node:fs';
import { parseManifest, type ConnectorManifest } from '@sever/connector-sdk';

/** What this connector can do, as `connector.json` states it. */
export const manifest: ConnectorManifest = parseManifest(
  JSON.parse(readFileSync(new URL('../connector.json', import.meta.url), 'utf8')),
);
