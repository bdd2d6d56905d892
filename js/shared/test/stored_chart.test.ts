// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { arrange } from '../src/arrangement';
import type { BackendResponse, Backend } from '../src/backend';
import type { Chart } from '../src/chart';
import { runStyles } from '../src/colours';
import { Follower, progressOf } from '../src/follow';
import { CardHead } from '../src/head';
import type { RunRef } from '../src/requests';
import { SeriesSet } from '../src/series';
import { StoredChart } from '../src/stored_chart';
import type { Theme } from '../src/theme';

const THEME: Theme = {
  dark: false, text: '#000', muted: '#666', grid: '#eee', danger: '#c00', font: 'sans', palette: ['#0072b2', '#d55e00', '#009e73']
};
const view = (...values: number[]): DataView => new DataView(Float64Array.from(values).buffer);
const ref = (id: string, state: RunRef['state'] = 'FINISHED'): RunRef => ({ id, name: id, role: 'plain', state });

/** A store whose runs have as many points of `loss` as `counts` says. */
class FakeStore implements Backend {
  asked: string[][] = [];
  fails = false;
  state: RunRef['state'] = 'FINISHED';
  constructor(readonly counts: Record<string, number>) {}
  ask<T>(type: string, params: object = {}): Promise<BackendResponse<T>> {
    expect(type).toBe('chart.runs');
    const ids = (params as { run_ids: string[] }).run_ids;
    this.asked.push(ids);
    if (this.fails) return Promise.reject(new Error('the store is away'));
    const steps = ids.flatMap(id => Array.from({ length: this.counts[id] ?? 0 }, (_, i) => i));
    const body = {
      runs: ids.map(id => ref(id, this.state)),
      series: ids.map(run => ({ run, key: 'loss', n: this.counts[run] ?? 0 })),
      elapsed_s: Object.fromEntries(ids.map(id => [id, 5])),
      system: []
    };
    return Promise.resolve({ body: body as T, buffers: [view(...steps), view(...steps.map(s => s * 1000)), view(...steps)] });
  }
}

const settled = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

beforeEach(() => {
  vi.stubGlobal('requestAnimationFrame', () => 0); // nothing is drawn: the browser tests look at pictures
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  document.body.replaceChildren();
});

describe('the chart of stored runs', () => {
  it('asks only for runs that are new', async () => {
    const store = new FakeStore({ a: 3, b: 2 });
    const chart = new StoredChart(document.body, { backend: store, runIds: ['a'] });
    await settled();
    chart.setRuns(['a', 'b']);
    await settled();
    chart.setRuns(['b']);
    chart.setRuns(['b', 'a']);
    await settled();
    expect(store.asked).toEqual([['a'], ['b'], ['a']]);
    chart.dispose();
    expect(document.body.children.length).toBe(0);
  });

  it('says below it what could not be read, and reads it again when asked to', async () => {
    const store = new FakeStore({ a: 3 });
    store.fails = true;
    const chart = new StoredChart(document.body, { backend: store, runIds: ['a'] });
    await settled();
    const failed = document.querySelector('.nbt-unread')!;
    expect(failed.textContent).toContain('the store is away');
    store.fails = false;
    failed.querySelector('button')!.click();
    await settled();
    expect(failed.childElementCount).toBe(0);
    expect(store.asked).toEqual([['a'], ['a']]);
    chart.dispose();
  });

  it('lets no late response undo a later choice', async () => {
    const store = new FakeStore({ a: 3, b: 2 });
    const chart = new StoredChart(document.body, { backend: store, runIds: ['a'] });
    chart.setRuns([]);
    await settled();
    expect(document.body.textContent).toContain('Select runs');
    chart.highlight('a');
    chart.dispose();
  });

  it('gives a single run the colour that it has elsewhere, where it is told to', () => {
    runStyles(['other', 'single'], THEME.palette.length);
    const data = new SeriesSet();
    const two = Float64Array.of(1, 2);
    for (const key of ['train_loss', 'val_loss']) data.add([{ run: 'single', key, n: 2, total: 2 }], two, two, two);
    const given = { data, runs: [ref('single')], theme: THEME, x: 'step', hidden: new Set<string>(), detail: null };
    const own = arrange({ ...given, colourBy: 'run' }).groups.get('loss')!;
    expect(new Set(own.map(line => line.colour))).toEqual(new Set(['#d55e00']));
    expect(new Set(own.map(line => line.dash)).size).toBe(2);
    expect(new Set(arrange(given).groups.get('loss')!.map(line => line.colour)).size).toBe(2);
  });
});

describe('the saved card of a run that goes on', () => {
  const follow = (store: FakeStore): { data: SeriesSet; head: CardHead; follower: Follower } => {
    const data = new SeriesSet();
    const head = new CardHead(false);
    const saved = { name: 'a', run_id: 'a', state: 'RUNNING' as const };
    head.setHead(saved);
    const chart = { setRuns: () => undefined, offerSystem: () => undefined } as unknown as Chart;
    const follower = new Follower({ backend: store, root: document.body, chart, data, head, saved, runs: [ref('a', 'RUNNING')] });
    return { data, head, follower };
  };
  const stateOf = (head: CardHead): string | undefined => head.element.querySelector<HTMLElement>('.nbt-state')?.dataset['state'];

  it('grows until the run has ended, and asks no more then', async () => {
    vi.useFakeTimers();
    const store = new FakeStore({ a: 3 });
    store.state = 'RUNNING';
    const { data, head } = follow(store);
    expect(stateOf(head)).toBe('STALE');
    await vi.advanceTimersByTimeAsync(1100);
    expect([stateOf(head), data.get('a', 'loss')!.n]).toEqual(['RUNNING', 3]);
    store.counts['a'] = 9;
    store.state = 'FINISHED';
    await vi.advanceTimersByTimeAsync(2000);
    expect([stateOf(head), data.get('a', 'loss')!.n]).toEqual(['FINISHED', 9]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(store.asked.length).toBe(2);
    head.dispose();
  });

  it('does not say that the run goes on while nobody answers, and asks less often', async () => {
    vi.useFakeTimers();
    const store = new FakeStore({ a: 3 });
    store.fails = true;
    const { head, follower } = follow(store);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(stateOf(head)).toBe('STALE');
    expect(store.asked.length).toBe(3);
    store.fails = false;
    store.state = 'RUNNING';
    await vi.advanceTimersByTimeAsync(30_000);
    expect(stateOf(head)).toBe('RUNNING');
    follower.dispose();
    head.dispose();
  });

  it('reads step and pace from the points', () => {
    const data = new SeriesSet();
    const step = Float64Array.of(0, 10, 20);
    data.add([{ run: 'a', key: 'loss', n: 3, total: 3 }], step, step.map(s => s * 100), step);
    expect(progressOf(data, 'a')).toEqual({ step: 20, pace: 10 });
    expect(progressOf(data, 'b')).toEqual({ step: null, pace: null });
  });
});
