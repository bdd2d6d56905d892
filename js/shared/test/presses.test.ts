// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from 'vitest';
import { h } from '../src/dom';
import { FoundLine } from '../src/found';
import { Legend } from '../src/legend';
import { afterPress, capturePresses, released } from '../src/presses';

let place: HTMLElement;
let button: HTMLElement;

const down = (at: Element, init: PointerEventInit = {}): void => void at.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, composed: true, button: 0, ...init }));
const up = (): void => void document.body.dispatchEvent(new PointerEvent('pointerup', { bubbles: true, composed: true }));
const space = (type: string): void => void button.dispatchEvent(new KeyboardEvent(type, { key: ' ', bubbles: true, composed: true }));

beforeEach(() => {
  vi.useFakeTimers();
  capturePresses();
  up();
  vi.runAllTimers();
  place = h('div', {}, (button = h('button', {})));
  document.body.replaceChildren(place);
});

it('draws at once where nothing is pressed, or something else is', () => {
  const draw = vi.fn();
  afterPress(place, draw);
  down(document.body);
  afterPress(place, draw);
  down(button, { button: 2 }); // a menu, no click
  afterPress(place, draw);
  expect(draw).toHaveBeenCalledTimes(3);
});

it.each(['pointer', 'space bar'])('draws what the %s is down in after the click', async how => {
  const drawn: number[] = [];
  if (how === 'pointer') down(button);
  else space('keydown');
  afterPress(place, () => drawn.push(1));
  void released(place).then(() => drawn.push(2));
  button.dispatchEvent(new FocusEvent('blur')); // another element loses the focus to what is pressed
  await vi.advanceTimersByTimeAsync(500);
  expect(drawn).toEqual([]);
  if (how === 'pointer') up();
  else space('keyup');
  expect(drawn).toEqual([]);
  await vi.runAllTimersAsync();
  expect(drawn).toEqual([1, 2]);
});

it('waits no longer when the window has lost the pointer', () => {
  const draw = vi.fn();
  down(button);
  afterPress(place, draw);
  dispatchEvent(new Event('blur'));
  vi.runAllTimers();
  expect(draw).toHaveBeenCalledOnce();
});

it('waits in a shadow tree', () => {
  const inner = h('i', {});
  const host = h('div', {});
  host.attachShadow({ mode: 'open' }).append(h('section', {}, inner));
  place.append(host);
  const draw = vi.fn();
  down(inner);
  afterPress(inner.parentElement!, draw);
  expect(draw).not.toHaveBeenCalled();
});

const found = (key: string): { kind: 'param'; key: string; value: string; source: string } => ({ kind: 'param', key, value: '1', source: 'this cell' });
const entry = (name: string): { id: string; name: string; colour: string; dash: string } => ({ id: `run:${name}`, name, colour: 'red', dash: 'solid' });
const legend = new Legend({ toggle: () => undefined, solo: () => undefined, point: () => undefined });
const line = new FoundLine(() => Promise.resolve([]));

it.each([
  ['the legend', legend.element, (names: string[]) => legend.show(names.map(entry), new Set())],
  ['what was found', line.element, (names: string[]) => line.set(names.map(found))]
])('keeps the buttons of %s until they are let go', (_, element, show) => {
  place.append(element);
  show(['a']);
  const before = element.querySelector('button')!;
  down(before);
  show(['a', 'b']);
  expect(before.isConnected).toBe(true);
  up();
  vi.runAllTimers();
  expect(element.querySelectorAll('button')).toHaveLength(2);
});
