import { describe, expect, it } from '@jest/globals';
import type { AskedRequest } from './asked-requests.js';
import { matchRequests, type ToldRequest } from './match-requests.js';

const asked = (...list: [operation: string, status: AskedRequest['status']][]): AskedRequest[] =>
  list.map(([operation, status], i) => ({
    request: `r${i}`,
    client: 'c',
    stream: 's',
    operation,
    status,
    tries: 1,
    invoked: i,
    completed: i,
  }));
const told = (...operations: string[]): ToldRequest[] =>
  operations.map((operation, i) => ({ stream: 's', operation, eventId: `e${i}` }));

describe('requests and the events that tell them', () => {
  it('are matched in order', () => {
    const { eventOf, unasked } = matchRequests(
      asked(['create', 'acked'], ['update', 'acked'], ['update', 'acked'], ['delete', 'acked']),
      told('create', 'update', 'update', 'delete'),
    );
    expect([...eventOf]).toEqual([
      ['r0', 'e0'],
      ['r1', 'e1'],
      ['r2', 'e2'],
      ['r3', 'e3'],
    ]);
    expect(unasked).toEqual([]);
  });

  it('give an event to the acknowledged one of two', () => {
    const { eventOf } = matchRequests(
      asked(['restore', 'indeterminate'], ['restore', 'acked']),
      told('restore'),
    );
    expect([...eventOf]).toEqual([['r1', 'e0']]);
  });

  it('leave an acknowledged request without its event', () => {
    const { eventOf } = matchRequests(
      asked(['create', 'acked'], ['deactivate', 'acked'], ['activate', 'acked']),
      told('create', 'activate'),
    );
    expect(eventOf.has('r1')).toBe(false);
    expect(eventOf.get('r2')).toBe('e1');
  });

  it('show a refused request that was done', () => {
    const { eventOf } = matchRequests(
      asked(['opt-out', 'acked'], ['restore', 'failed']),
      told('opt-out', 'restore'),
    );
    expect(eventOf.get('r1')).toBe('e1');
  });

  it('show a request that was done twice', () => {
    const { requestOf } = matchRequests(asked(['deactivate', 'acked']), told('deactivate', 'deactivate'));
    expect([...requestOf.values()]).toEqual(['r0', 'r0']);
  });

  it('show what nobody asked for, in streams of these clients only', () => {
    const foreign = { stream: 'other', operation: 'create', eventId: 'x' };
    const { unasked } = matchRequests(asked(['create', 'acked']), [...told('create', 'delete'), foreign]);
    expect(unasked.map(e => e.eventId)).toEqual(['e1']);
  });
});
