// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from 'vitest';
import { h } from '../src/dom';
import { FilterTyping } from '../src/filter_typing';

let input: HTMLInputElement;
let typing: FilterTyping;
let searched: string[];
let wrong: boolean;
let unfinished: (text: string) => Promise<boolean>;

const type = async (text: string): Promise<void> => {
  input.value = text;
  input.dispatchEvent(new Event('input'));
  await vi.advanceTimersByTimeAsync(500);
};

beforeEach(() => {
  vi.useFakeTimers();
  input = h('input', { type: 'search' });
  searched = [];
  wrong = true;
  unfinished = text => Promise.resolve(text.endsWith('<'));
  typing = new FilterTyping(input, 400, { unfinished: text => unfinished(text), search: text => searched.push(text), typing: () => (wrong = false) });
});

it('leaves what is unfinished alone, says so, and searches for what follows', async () => {
  await type('metrics.loss <');
  expect([searched, typing.hint.textContent, wrong]).toEqual([[], 'not finished', false]);
  await type('metrics.loss < 1');
  expect([searched, typing.hint.textContent]).toEqual([['metrics.loss < 1'], '']);
});

it.each([
  ['Enter', () => input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }))],
  ['leaving the field', () => input.dispatchEvent(new Event('change'))]
])('searches for what is unfinished with %s', async (_, act) => {
  await type('metrics.loss <');
  act();
  expect([searched, typing.hint.textContent]).toEqual([['metrics.loss <'], '']);
});

it('searches where nobody can say whether it is finished', async () => {
  unfinished = () => Promise.reject(new Error('an older server'));
  await type('a <');
  expect(searched).toEqual(['a <']);
});

it('waits for who is late, such as a kernel that runs a cell, and says so', async () => {
  let answer: (unfinished: boolean) => void = () => undefined;
  unfinished = () => new Promise(resolve => (answer = resolve));
  await type('a <');
  await vi.advanceTimersByTimeAsync(60_000);
  expect([searched, typing.hint.textContent]).toEqual([[], 'waiting …']);
  answer(true);
  await vi.advanceTimersByTimeAsync(0);
  expect([searched, typing.hint.textContent]).toEqual([[], 'not finished']);
  await type('a < 1');
  await vi.advanceTimersByTimeAsync(60_000);
  answer(false);
  await vi.advanceTimersByTimeAsync(1000);
  expect([searched, typing.hint.textContent]).toEqual([['a < 1'], '']);
});

it('forgets an answer about what was typed before', async () => {
  let answer: (unfinished: boolean) => void = () => undefined;
  unfinished = () => new Promise(resolve => (answer = resolve));
  await type('a <');
  input.value = 'a < 1';
  input.dispatchEvent(new Event('input'));
  answer(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(typing.hint.textContent).toBe('');
});
