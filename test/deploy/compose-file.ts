import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

export const deployFolder = path.resolve(import.meta.dirname, '../../deploy');

/** One service, as far as the checks look. */
export type Service = {
  image?: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  user?: string;
  environment?: Record<string, string>;
  ports?: string[];
  networks?: string[];
  secrets?: string[];
  configs?: { source: string; target: string }[];
  volumes?: string[];
  profiles?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { disable?: boolean; test?: string[] };
  read_only?: boolean;
  privileged?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  restart?: string;
  tmpfs?: string[];
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string; pids?: number } } };
};

export type Compose = {
  services: Record<string, Service>;
  networks?: Record<string, { internal?: boolean }>;
  volumes?: Record<string, object>;
  configs?: Record<string, { file: string }>;
  secrets?: Record<string, { file: string }>;
};

/** `${NAME:-default}`, as compose fills it in. */
export const filledIn = (text: string, variables: Readonly<Record<string, string>> = {}): string =>
  text.replace(/\$\{([A-Z_]+)(?::-([^}]*))?\}/g, (all, name: string, fallback: string | undefined) => {
    const value = variables[name] ?? fallback;
    if (value === undefined) throw new Error(`${all} has no value`);
    return value;
  });

/** `!override` of the Compose Specification: the value replaces what it would otherwise be merged with. */
const overrideTag = { tag: '!override', collection: 'map' as const };

/** A compose file with anchors and merges resolved and variables filled in, in the order in which compose does it. */
export function readCompose(name: string, variables: Readonly<Record<string, string>> = {}): Compose {
  const text = readFileSync(path.join(deployFolder, name), 'utf8');
  const fill = (_key: string, value: unknown): unknown =>
    typeof value === 'string' ? filledIn(value, variables) : value;
  const parsed: unknown = parse(text, { merge: true, customTags: [overrideTag] });
  return JSON.parse(JSON.stringify(parsed), fill) as Compose;
}

/** Services of `compose.yaml` with `compose.embedded.yaml` on top, without those of a profile. */
export function readEmbedded(variables: Readonly<Record<string, string>> = {}): Compose {
  const base = readCompose('compose.yaml', variables);
  const over = readCompose('compose.embedded.yaml', variables);
  const services = Object.entries(base.services).map(([name, service]) => {
    const change = over.services[name];
    const environment = { ...service.environment, ...change?.environment };
    return [name, { ...service, ...change, environment }] as const;
  });
  return { ...base, services: Object.fromEntries(services.filter(([, s]) => !s.profiles)) };
}
