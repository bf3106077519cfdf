import { loadConfig, setting } from '@sever/config';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

/** Version of Apache Kafka that `pom.xml` pins. Formatted data folders are not forward-compatible. */
export const KAFKA_VERSION = '4.2.0';

const settings = {
  jarFolder: setting(
    'SEVER_KAFKA_JARS',
    'folder that keeps the downloaded jars of Kafka',
    z.string().min(1).optional(),
  ),
  cacheHome: setting('XDG_CACHE_HOME', 'folder of caches of this user', z.string().min(1).optional()),
  javaHome: setting('JAVA_HOME', 'the Java to use', z.string().min(1).optional()),
};

/** Folder of the jars: outside the repository and outside every data folder, so that it is filled once. */
export function jarFolder(env?: NodeJS.ProcessEnv): string {
  const config = loadConfig(settings, env);
  if (config.jarFolder) return path.resolve(config.jarFolder);
  return path.join(config.cacheHome ?? path.join(homedir(), '.cache'), 'sever', `kafka-${KAFKA_VERSION}`);
}

/** A program of the configured Java, or of the one on the path. */
export function javaProgram(name: 'java' | 'keytool', env?: NodeJS.ProcessEnv): string {
  const { javaHome } = loadConfig(settings, env);
  return javaHome ? path.join(javaHome, 'bin', name) : name;
}
