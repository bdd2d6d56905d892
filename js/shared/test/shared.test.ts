import { describe, expect, it } from 'vitest';
import { formatDuration, formatNumber, formatRate } from '../src/format';
import { parseMetric } from '../src/groups';
import { nearest, resolveX, smooth, trend } from '../src/points';
import { decodeRows, heading } from '../src/rows';
import { SeriesSet } from '../src/series';
import cases from './groups.json';

const floats = (...values: number[]): Float64Array => Float64Array.from(values);
const view = (...values: number[]): DataView => new DataView(floats(...values).buffer);
const message = (seq: number, n: number) => ({ type: 'append' as const, seq, series: [{ run: 'a', key: 'loss', n, total: n }] });

describe('names of metrics', () => {
  it.each(cases as [string, string, string][])('%s is %s on %s', (key, group, split) => {
    expect(parseMetric(key)).toEqual({ group, split });
  });
});

describe('series', () => {
  it('grows by what is appended', () => {
    const set = new SeriesSet();
    expect(set.append(message(1, 2), [view(0, 1), view(10, 20), view(0.5, NaN)])).toBe('applied');
    expect([...set.get('a', 'loss')!.value]).toEqual([0.5, NaN]);
  });

  it('notices a lost message and still shows what came', () => {
    const set = new SeriesSet();
    expect(set.append(message(3, 1), [view(0), view(0), view(1)])).toBe('gap');
    expect(set.get('a', 'loss')!.n).toBe(1);
  });

  it('leaves what a content has brought already', () => {
    const set = new SeriesSet();
    set.replace({ seq: 5, series: [{ run: 'a', key: 'loss', n: 1, total: 1 }], step: view(1), time: view(1), value: view(1) });
    expect(set.append(message(5, 1), [view(1), view(1), view(1)])).toBe('stale');
    expect(set.get('a', 'loss')!.n).toBe(1);
  });

  it('reads buffers that are not aligned', () => {
    const bytes = new Uint8Array(12);
    bytes.set(new Uint8Array(floats(2.5).buffer), 4);
    const set = new SeriesSet();
    set.append(message(1, 1), [view(1), view(1), new DataView(bytes.buffer, 4, 8)]);
    expect(set.get('a', 'loss')!.value[0]).toBe(2.5);
  });
});

describe('points', () => {
  it('takes time where all steps are the same', () => {
    const set = new SeriesSet();
    set.append(message(1, 2), [view(0, 0), view(0, 1000), view(1, 2)]);
    expect(resolveX('auto', set)).toBe('relative');
  });

  it('smooths without a bias at the start, around what is no number', () => {
    const smoothed = smooth(floats(2, NaN, 2, 2), 0.9);
    expect([...smoothed.map(value => Number(value.toFixed(9)))]).toEqual([2, NaN, 2, 2]);
  });

  it('finds the nearest point', () => {
    expect([0, 4, 6, 99].map(at => nearest(floats(0, 5, 10), at))).toEqual([0, 1, 1, 2]);
  });

  it('sees a curve fall', () => {
    expect(trend(floats(5, 4, 3, 2, 1))).toBe('falling');
  });
});

describe('formats', () => {
  it.each([
    [0.00012345, '1.23e-4'],
    [0.123456, '0.1235'],
    [12000, '12,000'],
    [12345.6, '12,350'],
    [-3, '−3'],
    [NaN, 'NaN']
  ])('%d is %s', (value, text) => expect(formatNumber(value)).toBe(text));

  it('writes durations and rates', () => {
    expect([0.25, 4.21, 61, 7500].map(formatDuration)).toEqual(['250 ms', '4.2 s', '1 min 01 s', '2 h 05 min']);
    expect(formatRate(0.1)).toBe('10 s/step');
  });
});

describe('rows', () => {
  it('tells a missing number from NaN', () => {
    const page = { start: 0, total: 2, run_ids: ['a', 'b'], columns: [{ name: 'x', buffer: 0, gaps: [1] }] };
    expect(decodeRows(page, [view(NaN, NaN)]).map(row => row.cells['x'])).toEqual([NaN, null]);
  });

  it('names families', () => {
    expect(heading('metrics.val.loss')).toEqual({ family: 'metrics', label: 'val.loss' });
  });
});
