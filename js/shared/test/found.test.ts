// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { FoundLine } from '../src/found';
import type { FoundItem } from '../src/requests';

const item = (key: string, source: string, kind: FoundItem['kind'] = 'param'): FoundItem => ({ kind, key, source });
const buttons = (line: FoundLine): HTMLButtonElement[] => [...line.element.querySelectorAll<HTMLButtonElement>('.nbt-found-out')];
const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve));

describe('what was found without a log call', () => {
  it('stands beside where it came from', () => {
    const line = new FoundLine(null);
    line.set([item('lr', 'cell 3'), item('epochs', 'cell 3'), item('loss', 'printed', 'metric')]);
    const groups = [...line.element.querySelectorAll('.nbt-found-group')].map(group => [...group.children].map(each => each.textContent));
    expect(groups).toEqual([['from cell 3', 'lr', 'epochs'], ['printed', 'loss']]);
    expect(buttons(line)).toEqual([]);
  });

  it('has the values of params', () => {
    const line = new FoundLine(null);
    line.set([{ ...item('lr', 'this cell'), value: '0.2' }, item('loss', 'printed', 'metric')]);
    expect([...line.element.querySelectorAll('.nbt-found-item')].map(each => each.textContent)).toEqual(['lr = 0.2', 'loss']);
  });

  it('is left out with a click', async () => {
    const asked: FoundItem[] = [];
    const line = new FoundLine(each => {
      asked.push(each);
      return Promise.resolve([item('lr', 'cell 3')]);
    });
    line.set([item('lr', 'cell 3'), item('loss', 'printed', 'metric')]);
    buttons(line)[1]!.click();
    await settled();
    expect(asked.map(each => each.key)).toEqual(['loss']);
    expect(line.element.textContent).not.toContain('loss');
    expect(buttons(line)).toHaveLength(1);
  });

  it('says why it stays', async () => {
    const line = new FoundLine(() => Promise.reject(new Error('the server keeps it')));
    line.set([item('lr', 'cell 3')]);
    buttons(line)[0]!.click();
    await settled();
    expect(line.element.querySelector('[role=alert]')!.textContent).toBe('the server keeps it');
    expect(buttons(line)[0]!.ariaDisabled).toBe(null);
  });

  it('folds what is long', () => {
    const line = new FoundLine(null);
    line.set(Array.from({ length: 20 }, (_, i) => item(`clf.p${i}`, 'clf')));
    expect(line.element.querySelectorAll('.nbt-found-item')).toHaveLength(8);
    line.element.querySelector<HTMLButtonElement>('.nbt-found-more')!.click();
    expect(line.element.querySelectorAll('.nbt-found-item')).toHaveLength(20);
  });

  it('is hidden where there is nothing', () => {
    const line = new FoundLine(null);
    line.set([]);
    expect(line.element.hidden).toBe(true);
  });
});
