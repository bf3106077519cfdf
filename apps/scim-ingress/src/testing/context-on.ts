import { createPostgresEventLogWriter } from '@sever/event-log-postgres';
import { createSubjectKeys, type KeyEncryptionKeys } from '@sever/subject-keys';
import { createLogger, createMetrics } from '@sever/telemetry';
import type { DataSource } from 'typeorm';
import { IngressContext } from '../ingress-context.js';

/** What the parts of the ingress share, on a database of a test: cut only, no limit of requests, and a log that is silent. */
export const contextOn = (
  dataSource: DataSource,
  keyEncryption: KeyEncryptionKeys,
  more: Pick<IngressContext['policy'], 'publicUrl' | 'governor'>,
): IngressContext =>
  new IngressContext(
    dataSource,
    createPostgresEventLogWriter(dataSource),
    { keys: createSubjectKeys(keyEncryption), keyEncryption },
    {
      hold: { kind: 'never', seconds: 0, ignoreResidualAccess: true },
      cutDeadlineSeconds: 60,
      rateLimit: null,
      ...more,
    },
    createMetrics('scim-ingress'),
    createLogger('scim-ingress', 'fatal'),
  );
