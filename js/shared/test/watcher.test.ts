// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
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
