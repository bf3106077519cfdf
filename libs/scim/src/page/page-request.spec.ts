import { describe, expect, it } from '@jest/globals';
import { PAGE_DEFAULT, PAGE_MAX, parsePage } from './page-request.js';

describe('the parameters of a page', () => {
  it.each([
    [{}, { startIndex: 1, count: PAGE_DEFAULT }],
    [
      { startIndex: '-3', count: '-1' },
      { startIndex: 1, count: 0 },
    ],
    [
      { startIndex: '7', count: '100000' },
      { startIndex: 7, count: PAGE_MAX },
    ],
    [{ cursor: '' }, { cursor: '', count: PAGE_DEFAULT }],
    [
      { cursor: 'abc', count: '5' },
      { cursor: 'abc', count: 5 },
    ],
    [
      { cursor: '', count: '100000' },
      { cursor: '', count: PAGE_MAX },
    ],
  ])('%j are read', (parameters, page) => {
    expect(parsePage(parameters)).toEqual(page);
  });

  it.each([
    [{ startIndex: 'first' }, 'invalidValue'],
    [{ count: '1.5' }, 'invalidValue'],
    [{ count: '0x1F' }, 'invalidValue'],
    [{ startIndex: '1e2' }, 'invalidValue'],
    [{ startIndex: ' 5' }, 'invalidValue'],
    [{ startIndex: '9007199254740993' }, 'invalidValue'],
    [{ cursor: '', startIndex: '1' }, 'invalidValue'],
    [{ cursor: '', count: '0' }, 'invalidCount'],
    [{ cursor: '', count: '-1' }, 'invalidCount'],
    [{ cursor: 'a', count: 'ten' }, 'invalidCount'],
    [{ cursor: 'a', count: '0x5' }, 'invalidCount'],
  ])('%j are refused', (parameters, scimType) => {
    expect(() => parsePage(parameters)).toThrow(expect.objectContaining({ status: 400, scimType }));
  });
});
