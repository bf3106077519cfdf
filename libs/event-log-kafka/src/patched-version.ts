import { createRequire } from 'node:module';

const PATCHED_VERSION = '2.2.4';
const require = createRequire(import.meta.url);

/**
 * Private classes of the client are patched, which have no promise of staying as they are.
 * @throws Error for another version of the client than the one whose source was read
 */
export function requirePatchedVersion(version: string = installedVersion()): void {
  if (version !== PATCHED_VERSION)
    throw new Error(
      `kafkajs is ${version}, its patches were written for ${PATCHED_VERSION}; check them and pin the version`,
    );
}

const installedVersion = (): string => (require('kafkajs/package.json') as { version: string }).version;
