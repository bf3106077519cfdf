import { parseManifest, type ConnectorDefinition, type ConnectorManifest } from '@sever/connector-sdk';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const APPS = new URL('../../../', import.meta.url);
const PREFIX = 'connector-';

/** Systems that a connector app of this installation serves: the folders `apps/connector-SYSTEM`. */
export function connectorSystems(): string[] {
  return readdirSync(fileURLToPath(APPS))
    .filter(name => name.startsWith(PREFIX) && existsSync(new URL(`${name}/connector.json`, APPS)))
    .map(name => name.slice(PREFIX.length))
    .sort();
}

/** What a connector app says that it can do. */
export const manifestOf = (system: string): ConnectorManifest =>
  parseManifest(
    JSON.parse(readFileSync(new URL(`${PREFIX}${system}/connector.json`, APPS), 'utf8')) as unknown,
  );

/** The connector of a system as a value, loaded from its built app; importing it starts nothing. */
export async function connectorDefinition(system: string): Promise<ConnectorDefinition> {
  const file = new URL(`${PREFIX}${system}/dist/connector.js`, APPS);
  const exported = Object.values((await import(file.href)) as Record<string, unknown>);
  const definition = exported.find(isDefinition);
  if (!definition) throw new Error(`${fileURLToPath(file)} exports no connector made with defineConnector`);
  return definition;
}

const isDefinition = (value: unknown): value is ConnectorDefinition =>
  typeof value === 'object' && value !== null && 'manifest' in value && 'parseSettings' in value;
