import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadJars } from '../libs/kafka-cluster/dist/jars/maven.js';
import { root } from './workspace.mjs';

// kafka-jars.mjs: records the checksums of what Maven delivers for libs/kafka-cluster/pom.xml. Run it after a change of a version there.
const folder = mkdtempSync(path.join(tmpdir(), 'sever-kafka-jars-'));
await downloadJars(folder);
const line = name => {
  const digest = createHash('sha256').update(readFileSync(path.join(folder, name)));
  return `${digest.digest('hex')}  ${name}\n`;
};
const names = readdirSync(folder).sort();
writeFileSync(path.join(root, 'libs/kafka-cluster/jars.sha256'), names.map(line).join(''));
rmSync(folder, { recursive: true, force: true });
