// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ServerError } from '../src/server';
import { CHANGED, StoreWatcher } from '../src/watcher';

type Slot = (sender: unknown, event: { schema_id: string; store: string }) => void;

class FakeEvents {
  slots = new Set<Slot>();
  connect = (slot: Slot): boolean => Boolean(this.slots.add(slot));
  disconnect = (slot: Slot): boolean => this.slots.delete(slot);
  emit(store: string): void {
    for (const slot of this.slots) slot(null, { schema_id: CHANGED, store });
  }
}

let events: FakeEvents;
let leases: string[];
let watcher: StoreWatcher;
beforeEach(() => {
  vi.useFakeTimers();
  events = new FakeEvents();
  leases = [];
  watcher = new StoreWatcher(events, store => {
    leases.push(store);
    return Promise.resolve();
  });
});
afterEach(() => vi.useRealTimers());

it('asks the server to look while somebody does, and not a moment longer', () => {
  const end = watcher.watch('s', () => undefined);
  const endOther = watcher.watch('s', () => undefined);
  expect(leases).toEqual(['s']);
  vi.advanceTimersByTime(46_000);
  expect(leases).toEqual(['s', 's']);
  end();
  endOther();
  vi.advanceTimersByTime(200_000);
  expect(leases).toEqual(['s', 's']);
  expect(events.slots.size).toBe(0);
});

it('tells of many changes in a row once, and of the store that changed only', () => {
  const seen: string[] = [];
  watcher.watch('s', () => seen.push('s'));
  watcher.watch('t', () => seen.push('t'));
  for (let i = 0; i < 5; i++) events.emit('s');
  vi.advanceTimersByTime(0);
  expect(seen).toEqual(['s']);
  events.emit('s');
  vi.advanceTimersByTime(500);
  expect(seen).toEqual(['s']);
  vi.advanceTimersByTime(600);
  expect(seen).toEqual(['s', 's']);
});

it('asks no more for a store that is gone, until somebody looks at it again', async () => {
  const said: string[] = [];
  const error = new ServerError('There is no store here.', 'refused', 'STORE_NOT_FOUND');
  const asked: string[] = [];
  const gone = new StoreWatcher(events, store => {
    asked.push(store);
    return store === 'lost' ? Promise.reject(error) : Promise.resolve();
  });
  const end = gone.watch('lost', () => undefined, reason => said.push(String(reason)));
  gone.watch('here', () => undefined, () => said.push('here'));
  await vi.advanceTimersByTimeAsync(200_000);
  expect(asked.filter(store => store === 'lost')).toHaveLength(1);
  expect(asked.filter(store => store === 'here').length).toBeGreaterThan(3);
  expect(said).toEqual([String(error)]);
  end();
  gone.watch('lost', () => undefined);
  expect(asked.filter(store => store === 'lost')).toHaveLength(2);
});

it('tells once that a server is away, and once that it is back', async () => {
  let away = true;
  let asked = 0;
  const told: number[] = [];
  const watcher = new StoreWatcher(events, () => {
    asked++;
    return away ? Promise.reject(new ServerError('It does not answer.', 'offline')) : Promise.resolve();
  });
  const end = watcher.watch('s', () => told.push(asked), () => told.push(-1));
  await vi.advanceTimersByTimeAsync(10_000);
  expect([asked, told]).toEqual([4, [1]]);
  watcher.check(); // it is asked again as it is
  away = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect([asked, told]).toEqual([5, [1, 5]]);
  away = true;
  watcher.check();
  await vi.advanceTimersByTimeAsync(1000);
  expect(told).toEqual([1, 5, 6]);
  end();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(asked).toBe(6);
});
