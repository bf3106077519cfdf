import { ConfigError, loadConfig, type Settings } from '@sever/config';
import { readFileSync } from 'node:fs';
import type { Compose, Service } from './compose-file.js';

/** What the checks know of the apps. */
export type Facts = {
  /** Declared settings per app; the command `sever setup` is the app `sever`. */
  settings: ReadonlyMap<string, Settings>;
  /** Files that `sever secrets` makes for the example, with what is in them. */
  secrets: ReadonlyMap<string, string>;
  /** Files that the owner of a target adds. */
  ownSecrets: readonly string[];
  /** Targets that Prometheus asks, `host:port`. */
  scraped: readonly string[];
};

type Named = [name: string, service: Service];

const APP_PORT = '8080';
/** Networks from which nothing outside is reached, and who may be on them besides apps. */
const INSIDE = ['data', 'log', 'telemetry'];

/** Everything in a compose file that would not work or should not be, one line each. */
export function composeProblems(compose: Compose, facts: Facts): string[] {
  const services = Object.entries(compose.services);
  const apps = services.filter(([, s]) => s.environment?.APP !== undefined);
  return [
    ...services.flatMap(([name, s]) => hardening(name, s)),
    ...services.flatMap(([name, s]) => references(name, s, compose)),
    ...apps.flatMap(named => environment(named, facts)),
    ...everyApp(apps, facts),
    ...networks(compose),
    ...published(services),
    ...secrets(compose, facts),
    ...scraping(apps, facts),
  ];
}

function hardening(name: string, s: Service): string[] {
  const limits = s.deploy?.resources?.limits;
  const wrong: Record<string, boolean> = {
    'is not read-only': s.read_only !== true,
    'keeps capabilities': s.cap_drop?.join() !== 'ALL',
    'may gain privileges': !s.security_opt?.includes('no-new-privileges:true') || s.privileged === true,
    'has no limit of CPU, memory and processes': !limits?.cpus || !limits.memory || !limits.pids,
    'has no pinned image': !/^[\w./-]+:v?[0-9]+\.[0-9]+[\w.-]*$/.test(s.image ?? ''),
    'is not restarted': s.restart === undefined,
    'has no network': !s.networks?.length,
  };
  return Object.entries(wrong).flatMap(([what, holds]) => (holds ? [`${name} ${what}`] : []));
}

function references(name: string, s: Service, compose: Compose): string[] {
  const missing = (kind: string, names: readonly string[], known: object | undefined): string[] =>
    names.filter(n => !(n in (known ?? {}))).map(n => `${name} names a ${kind} that is not declared: ${n}`);
  const volumes = (s.volumes ?? []).map(v => v.split(':')[0] ?? '').filter(v => !v.startsWith('.'));
  return [
    ...missing('secret', s.secrets ?? [], compose.secrets),
    ...missing(
      'config',
      (s.configs ?? []).map(c => c.source),
      compose.configs,
    ),
    ...missing('network', s.networks ?? [], compose.networks),
    ...missing('volume', volumes, compose.volumes),
    ...missing('service', Object.keys(s.depends_on ?? {}), compose.services),
    ...Object.entries(s.depends_on ?? {}).flatMap(([on, { condition }]) => {
      const other = compose.services[on];
      const once = other?.restart === 'no';
      const fits = condition === (once ? 'service_completed_successfully' : 'service_healthy');
      return fits ? [] : [`${name} waits for ${on} to be ${condition}, which it never is`];
    }),
  ];
}

/** The environment is what the app declares, and its settings take it as their own process would. */
function environment([name, s]: Named, facts: Facts): string[] {
  const { APP: app = '', ...env } = s.environment ?? {};
  const settings = facts.settings.get(app);
  if (!settings) return [`${name} runs ${app}, which is no app`];
  const declared = new Set(
    Object.values(settings).flatMap(d => [d.env, ...(d.secret ? [`${d.env}_FILE`] : [])]),
  );
  const problems = Object.keys(env)
    .filter(variable => !declared.has(variable))
    .map(variable => `${name} sets ${variable}, which ${app} does not read`);
  for (const [variable, value] of Object.entries(env))
    if (value.startsWith('/run/secrets/') && !s.secrets?.includes(value.slice('/run/secrets/'.length)))
      problems.push(`${name} reads ${value} by ${variable} and does not mount it`);
  try {
    loadConfig(settings, inMemory(env, settings, facts));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems.map(p => `${name}: ${p}`));
  }
  return problems;
}

/** The same environment with the content of secrets in place of their files. */
function inMemory(
  env: Readonly<Record<string, string>>,
  settings: Settings,
  facts: Facts,
): NodeJS.ProcessEnv {
  const files = new Map(Object.values(settings).map(d => [`${d.env}_FILE`, d]));
  return Object.fromEntries(
    Object.entries(env).map(([variable, value]) => {
      const of = files.get(variable);
      const content = facts.secrets.get(value.replace('/run/secrets/', ''));
      return of?.secret && content !== undefined ? [of.env, content] : [variable, value];
    }),
  );
}

function everyApp(apps: readonly Named[], facts: Facts): string[] {
  const run = new Set(apps.map(([, s]) => s.environment?.APP));
  return [...facts.settings.keys()].filter(app => !run.has(app)).map(app => `nothing runs ${app}`);
}

function networks(compose: Compose): string[] {
  const on = (network: string): string[] =>
    Object.entries(compose.services)
      .filter(([, s]) => s.networks?.includes(network))
      .map(([name]) => name);
  return [
    ...INSIDE.filter(n => compose.networks?.[n]?.internal !== true).map(n => `${n} leads outside`),
    ...Object.entries(compose.services).flatMap(([name, s]) => {
      if (/^(postgres|kafka-)/.test(name) && s.networks?.length !== 1)
        return [`${name} is on more networks than its own`];
      return [];
    }),
    ...on('targets').flatMap(name =>
      name.startsWith('connector-') ? [] : [`${name} reaches the targets and is no connector`],
    ),
    ...on('edge').flatMap(name =>
      ['scim-ingress', 'prometheus', 'otel-collector'].includes(name) ? [] : [`${name} is on the edge`],
    ),
  ];
}

function published(services: readonly Named[]): string[] {
  return services.flatMap(([name, s]) =>
    (s.ports ?? []).flatMap(port => {
      const [address, , inside] = port.split(':');
      if (address !== '127.0.0.1') return [`${name} publishes ${port} on every address`];
      if (s.environment?.APP !== undefined && inside !== APP_PORT)
        return [`${name} publishes ${inside}, where it does not listen`];
      return [];
    }),
  );
}

function secrets(compose: Compose, facts: Facts): string[] {
  const known = new Set([...facts.secrets.keys(), ...facts.ownSecrets]);
  const declared = Object.entries(compose.secrets ?? {});
  const used = new Set(Object.values(compose.services).flatMap(s => s.secrets ?? []));
  return [
    ...declared
      .filter(([name, { file }]) => file !== `./secrets/${name}`)
      .map(([name]) => `secret ${name} comes from elsewhere`),
    ...declared.filter(([name]) => !known.has(name)).map(([name]) => `nobody makes the secret ${name}`),
    ...declared.filter(([name]) => !used.has(name)).map(([name]) => `nobody uses the secret ${name}`),
    ...[...known].filter(name => !(name in (compose.secrets ?? {}))).map(name => `${name} is not declared`),
  ];
}

function scraping(apps: readonly Named[], facts: Facts): string[] {
  const served = apps
    .filter(([, s]) => !s.healthcheck?.disable)
    .map(([name, s]) => `${name}:${s.environment?.SEVER_HTTP_PORT}`);
  return [
    ...served.filter(target => !facts.scraped.includes(target)).map(target => `nobody scrapes ${target}`),
    ...served
      .filter(target => !target.endsWith(`:${APP_PORT}`))
      .map(target => `${target} is not the exposed port`),
    ...facts.scraped
      .filter(target => !served.includes(target) && !target.startsWith('otel-collector:'))
      .map(target => `${target} is scraped and does not exist`),
  ];
}

/** Files of a secrets folder with their content. */
export const contentOf = (folder: string, names: readonly string[]): Map<string, string> =>
  new Map(names.map(name => [name, readFileSync(`${folder}/${name}`, 'utf8')]));
