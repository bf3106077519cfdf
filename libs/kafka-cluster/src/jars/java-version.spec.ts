import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { majorVersion, requireJava } from './java-version.js';

describe('the Java that the broker needs', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sever-java-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const javaThatSays = (text: string): string => {
    const file = path.join(folder, `java-${text.length}`);
    writeFileSync(file, `#!/bin/sh\necho '${text}' >&2\n`, { mode: 0o755 });
    return file;
  };

  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['java version "1.8.0_402"', 8],
    ['openjdk version "26" 2026-03-17', 26],
    ['The operation could not be completed', undefined],
  ])('is read from %j', (text, major) => {
    expect(majorVersion(text)).toBe(major);
  });

  it('is named when it is missing', () => {
    expect(() => requireJava(path.join(folder, 'none'))).toThrow(
      expect.objectContaining({ code: 'kafka.java-missing', message: expect.stringContaining('JAVA_HOME') }),
    );
  });

  it('is named when it is too old', () => {
    expect(() => requireJava(javaThatSays('openjdk version "11.0.2"'))).toThrow(
      expect.objectContaining({ code: 'kafka.java-too-old', message: expect.stringContaining('is Java 11') }),
    );
    expect(() => requireJava(javaThatSays('openjdk version "17"'))).not.toThrow();
  });
});
