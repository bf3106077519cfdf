import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../../harness/clients.js';
import { KeptReader, type StartMember } from './kept-reader.js';
import type { ObservingReader } from './readers.js';

describe('a reader that is kept', () => {
  it('gets a new member when one ends or cannot start, and none after it was stopped', async () => {
    const started: string[] = [];
    const stopped: string[] = [];
    let end: (error: Error) => void = () => undefined;
    let isRefused = false;
    const start: StartMember = (member, onFatal) => {
      started.push(member);
      if (isRefused) {
        isRefused = false;
        return Promise.reject(new Error('nobody is there'));
      }
      end = onFatal;
      const stop = (): Promise<void> => Promise.resolve(void stopped.push(member));
      return Promise.resolve({ stop } as ObservingReader);
    };
    const kept = await KeptReader.start('r', start);
    isRefused = true;
    end(new Error('gone'));
    await eventually('a third member', () => Promise.resolve(started.length === 3));
    await kept.stop();
    expect(started).toEqual(['r-1', 'r-2', 'r-3']);
    expect(stopped).toEqual(['r-1', 'r-3']);
    expect(kept.ends).toEqual(['gone']);
  });
});
