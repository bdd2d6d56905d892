// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from 'vitest';
import { arrange } from '../src/arrangement';
import { runStyles, shade } from '../src/colours';
import { Detail } from '../src/detail';
import { CardHead } from '../src/head';
import { Legend, MOST_ENTRIES, soloed, toggled } from '../src/legend';
import { joined, nearest, resolveX, smooth } from '../src/points';
import type { RunRef } from '../src/requests';
import { type Points, SeriesSet } from '../src/series';
import { DARK, LIGHT, type Theme } from '../src/theme';
import { ColourRamp } from '../src/comparison_marks';
import { apart } from '../src/comparison_scale';
import { drawingOf, labelRoom, layoutOf, type PanelState, XScale } from '../src/traces';

const floats = (...values: number[]): Float64Array => Float64Array.from(values);
const view = (...values: number[]): DataView => new DataView(floats(...values).buffer);
const THEME: Theme = {
  dark: false, text: '#000', muted: '#666', grid: '#eee', danger: '#c00', font: 'sans', palette: ['#0072b2', '#d55e00', '#009e73']
};
const run = (id: string, role: RunRef['role'] = 'plain'): RunRef => ({ id, name: id, role, state: 'FINISHED' });

function points(key: string, step: number[], value: number[], total = step.length): Points {
  return { run: 'a', key, n: step.length, total, step: floats(...step), time: floats(...step.map(s => 1000 * s)), value: floats(...value) };
}

function overview(step: number[], total: number): SeriesSet {
  const set = new SeriesSet();
  const column = floats(...step);
  set.add([{ run: 'a', key: 'loss', n: step.length, total }], column, column.map(s => s * 1000), column);
  return set;
}

/** Red, green and blue in light, from 0 to 1. */
function linear(colour: string): [number, number, number] {
  const [r, g, b] = [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16) / 255).map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return [r!, g!, b!];
}

function luminance(colour: string): number {
  const [r, g, b] = linear(colour);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast of WCAG 2. */
function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

/** How far apart two colours look: CIE 1976, where 2.3 is just noticed side by side. */
function difference(one: string, other: string): number {
  const lab = (colour: string): [number, number, number] => {
    const [r, g, b] = linear(colour);
    const [x, y, z] = [(0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047, luminance(colour), (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883].map(t => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116));
    return [116 * y! - 16, 500 * (x! - y!), 200 * (y! - z!)];
  };
  const [a, b] = [lab(one), lab(other)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

describe('detail of a window', () => {
  afterEach(() => void vi.useRealTimers());
  const look = (set: SeriesSet, window: [number, number]) => ({
    x: 'step' as const, window, series: [...set], starts: new Map([['a', 0]]), pixels: 300
  });
  const answer = (...step: number[]) => ({
    body: { series: [{ run: 'a', key: 'loss', n: step.length, total: step.length }] },
    buffers: [view(...step), view(...step.map(s => s * 1000)), view(...step.map(() => 7))]
  });

  it('takes the place of the points there, and newer points go on behind it', async () => {
    vi.useFakeTimers();
    const set = overview([0, 10, 20, 30, 40], 1000);
    const ask = vi.fn().mockResolvedValue(answer(12, 15, 18, 22, 28));
    const detail = new Detail({ ask }, () => undefined);
    detail.look(look(set, [11, 29]));
    await vi.runAllTimersAsync();
    expect(ask.mock.calls[0]![1]).toMatchObject({ run_ids: ['a'], keys: ['loss'], x: 'step', window: [11, 29] });
    expect([...detail.merged(set.get('a', 'loss')!, 'step').step]).toEqual([0, 10, 12, 15, 18, 22, 28, 30, 40]);
    set.append({ type: 'append', seq: 1, series: [{ run: 'a', key: 'loss', n: 1, total: 1 }] }, [view(50), view(50000), view(1)]);
    expect(detail.merged(set.get('a', 'loss')!, 'step').step.at(-1)).toBe(50);
    expect(detail.merged(set.get('a', 'loss')!, 'time').n).toBe(6);
  });

  it('is not asked for while somebody drags, nor of curves that are whole', async () => {
    vi.useFakeTimers();
    const ask = vi.fn().mockResolvedValue(answer(1));
    const detail = new Detail({ ask }, () => undefined);
    const thinned = overview([0, 10], 1000);
    for (let i = 0; i < 5; i++) detail.look(look(thinned, [0, i + 1]));
    detail.look(look(overview([0, 10], 2), [0, 1]));
    await vi.runAllTimersAsync();
    expect(ask).not.toHaveBeenCalled();
    detail.look(look(thinned, [0, 3]));
    detail.look(look(thinned, [0, 4]));
    await vi.runAllTimersAsync();
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('drops a response that is late, and keeps what is there when none comes', async () => {
    vi.useFakeTimers();
    const set = overview([0, 10, 20], 1000);
    let late: (value: unknown) => void = () => undefined;
    const ask = vi.fn().mockImplementationOnce(() => new Promise(resolve => (late = resolve)));
    ask.mockResolvedValueOnce(answer(12)).mockRejectedValueOnce(new Error('busy'));
    const detail = new Detail({ ask }, () => undefined);
    for (const window of [[1, 9], [11, 19], [3, 4]] as [number, number][]) {
      detail.look(look(set, window));
      await vi.runAllTimersAsync();
    }
    late(answer(5));
    await vi.runAllTimersAsync();
    expect([...detail.merged(set.get('a', 'loss')!, 'step').step]).toEqual([0, 10, 12, 20]);
    detail.forget();
    expect(detail.shown).toBe(false);
  });
});

describe('legend', () => {
  it('hides, shows and solos', () => {
    const all = ['run:a', 'run:b', 'split:val'];
    expect([...toggled(new Set(), 'run:a')]).toEqual(['run:a']);
    const alone = soloed(new Set(['run:a']), 'run:a', all);
    expect([...alone]).toEqual(['run:b']);
    expect([...soloed(alone, 'run:a', all)]).toEqual([]);
  });

  it('is made of buttons that say whether they are on, and is shortened', () => {
    const events = { toggle: vi.fn(), solo: vi.fn(), point: vi.fn() };
    const legend = new Legend(events);
    const entries = Array.from({ length: 100 }, (_, i) => ({ id: `run:${i}`, name: `<i>${i}`, colour: '#000', dash: 'solid' }));
    legend.show(entries, new Set(['run:1']));
    document.body.replaceChildren(legend.element);
    const more = [...legend.element.querySelectorAll('button')].at(-1)!;
    expect(more.textContent).toBe('and 76 more');
    more.click();
    const buttons = [...legend.element.querySelectorAll('button')];
    expect(buttons).toHaveLength(MOST_ENTRIES);
    expect(document.activeElement).toBe(buttons[24]);
    expect(legend.element.textContent).toContain('and 40 more');
    expect(buttons.slice(0, 2).map(b => b.getAttribute('aria-pressed'))).toEqual(['true', 'false']);
    expect(buttons[0]!.textContent).toBe('<i>0');
    buttons[0]!.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    buttons[0]!.dispatchEvent(new MouseEvent('click', { bubbles: true, altKey: true }));
    buttons[1]!.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, key: 's' }));
    expect(events.toggle.mock.calls).toEqual([['run:0']]);
    expect(events.solo.mock.calls).toEqual([['run:0'], ['run:1']]);
  });
});

describe('arrangement', () => {
  const two = new SeriesSet();
  const column = floats(0, 1);
  for (const id of ['a', 'b']) for (const key of ['train_loss', 'val_loss', 'tokens']) two.add([{ run: id, key, n: 2, total: 2 }], column, column, column);
  const given = { data: two, runs: [run('a'), run('b')], theme: THEME, x: 'auto', hidden: new Set<string>(), detail: null };

  it('puts train and val of one metric together and names runs and splits', () => {
    const found = arrange(given);
    expect([...found.groups].map(([group, lines]) => [group, lines.length])).toEqual([['loss', 4], ['tokens', 2]]);
    expect(found.entries.map(entry => entry.id)).toEqual(['run:a', 'run:b', 'split:train', 'split:val']);
    expect(new Set(found.groups.get('loss')!.map(line => `${line.colour} ${line.dash}`)).size).toBe(4);
  });

  it('leaves out what is hidden, and the metric that is the axis', () => {
    const found = arrange({ ...given, x: 'tokens', hidden: new Set(['run:a', 'split:val']) });
    expect(found.kind).toBe('metric');
    expect([...found.groups.keys()]).toEqual(['loss']);
    expect(found.groups.get('loss')!.map(line => line.label)).toEqual(['b train']);
  });

  it('gives a run one colour in all charts of a page', () => {
    const first = runStyles(['x', 'y', 'z', 'w'], 3);
    const second = runStyles(['q', 'z'], 3);
    expect(second.get('z')!.colour).toBe(first.get('z')!.colour);
    expect(second.get('q')!.colour).not.toBe(second.get('z')!.colour);
    expect(first.get('w')!.repeat).toBe(1);
    expect(shade('#0072b2', 1, false)).not.toBe('#0072b2');
  });

  it.each([
    ['light', LIGHT, '#ffffff'],
    ['dark', DARK, '#14181e']
  ])('has colours for 21 runs that can be told apart on a %s page', (name, palette, page) => {
    const colours = [0, 1, 2].flatMap(repeat => palette.map(colour => shade(colour, repeat, name === 'dark')));
    const pairs = colours.flatMap((one, i) => colours.slice(i + 1).map(other => [one, other, difference(one, other)] as const));
    expect(pairs.filter(([, , apart]) => apart < 7)).toEqual([]);
    expect(colours.slice(0, 14).filter(colour => contrast(colour, page) < 3)).toEqual([]);
  });
});

describe('axes', () => {
  it('joins another metric by step, and bridges what was thinned out', () => {
    const other = points('tokens', [0, 2, 4], [0, 20, 40]);
    expect([...joined(floats(0, 1, 4, 9), other)]).toEqual([0, NaN, 40, NaN]);
    expect([...joined(floats(0, 1, 3), { ...other, total: 100 })]).toEqual([0, 10, 30]);
    expect(resolveX('absent', [other])).toBe('step');
    expect(nearest(floats(5, 1, NaN, 3), 2.9, false)).toBe(3);
  });

  it('goes to decades and back', () => {
    const scale = new XScale('step', true, [1, 1000]);
    expect(scale.toRange(100)).toBe(2);
    expect(scale.fromRange(3)).toBeCloseTo(1000);
    const minutes = new XScale('relative', false, [0, 600]);
    expect([minutes.unitName, minutes.toRange(120), minutes.fromRange(2)]).toEqual(['min', 2, 120]);
  });

  it('smooths alike however many points were kept', () => {
    const x = Float64Array.from({ length: 20_000 }, (_, i) => i);
    const y = x.map(v => Math.sin(v / 3000));
    const pick = (a: Float64Array): Float64Array => a.filter((_, i) => i % 20 === 0);
    const whole = pick(smooth(y, 0.9, x, 20_000));
    const few = smooth(pick(y), 0.9, pick(x), 20_000);
    expect(Math.max(...whole.map((v, i) => Math.abs(v - few[i]!)))).toBeLessThan(0.02);
  });
});

describe('drawing', () => {
  const state: PanelState = {
    kind: 'step', xName: '', smoothing: 0, logX: false, logY: false, zoom: null, span: [0, 3], theme: THEME
  };

  it('marks what is no number and says what it is', () => {
    const bad = points('loss', [0, 1, 2, 3], [1, NaN, Infinity, 0]);
    const line = { points: bad, x: bad.step, label: 'val', short: 'val', colour: '#000', dash: 'solid', isBaseline: false, width: 1, opacity: 1 };
    const scale = new XScale('step', false, [0, 3]);
    expect(drawingOf([line], state, scale).odd.map(odd => odd.words)).toEqual(['val: NaN at step 1', 'val: ∞ at step 2']);
    expect(drawingOf([line], { ...state, logY: true }, scale).odd).toHaveLength(3);
    expect(drawingOf([line], state, scale)).toMatchObject({ low: 0, high: 1 });
  });
});

describe('stop', () => {
  it('is there while the run goes on and can be stopped, and says so', () => {
    const stop = vi.fn().mockResolvedValue(undefined);
    const head = new CardHead(true, stop);
    const button = head.element.querySelector<HTMLButtonElement>('.nbt-stop')!;
    head.setHead({ state: 'RUNNING' });
    expect(button.hidden).toBe(true);
    head.setStoppable(true);
    expect(button.hidden).toBe(false);
    button.click();
    expect(stop).toHaveBeenCalledTimes(1);
    expect(button.getAttribute('aria-disabled')).toBe('true');
    button.click();
    expect(stop).toHaveBeenCalledTimes(1);
    head.setHead({ state: 'KILLED', standing: null });
    expect(button.hidden).toBe(true);
    head.dispose();
  });

  it('says that the grid stops when that has been said to it', async () => {
    let heard: () => void = () => undefined;
    const after = (): Promise<void> => new Promise(resolve => (heard = resolve));
    const head = new CardHead(true, undefined, after);
    head.setStoppable(true, true);
    head.setHead({ state: 'RUNNING', progress: '1 of 6' });
    const button = head.element.querySelector<HTMLButtonElement>('.nbt-stop-after')!;
    button.click();
    expect(button.textContent).toBe('Stop after this one');
    heard();
    await vi.waitFor(() => expect(button.textContent).toBe('Stops after this one'));
    head.dispose();
  });

  it.each([
    ['.nbt-stop', 'Stop', 'The run could not be stopped: no kernel'],
    ['.nbt-stop-after', 'Stop after this one', 'The grid could not be told to stop after this one: no kernel']
  ])('%s says in words that it failed, and keeps the focus', async (name, label, words) => {
    const refuse = vi.fn().mockRejectedValueOnce(new Error('no kernel')).mockResolvedValue(undefined);
    const head = new CardHead(true, refuse, refuse);
    document.body.replaceChildren(head.element);
    head.setStoppable(true, true);
    head.setHead({ state: 'RUNNING', progress: '1 of 6' });
    const button = head.element.querySelector<HTMLButtonElement>(name)!;
    const said = head.element.querySelector<HTMLElement>('.nbt-error[role=alert]')!;
    button.focus();
    button.click();
    await vi.waitFor(() => expect(said.textContent).toBe(words));
    head.setHead({ state: 'RUNNING', progress: '2 of 6' });
    expect([said.hidden, button.textContent, document.activeElement]).toEqual([false, label, button]);
    button.click();
    expect([said.hidden, document.activeElement]).toEqual([true, button]);
    head.setHead({ state: 'FINISHED' });
    head.dispose();
  });
});

describe('plots that are hard to see', () => {
  const state: PanelState = { kind: 'step', xName: '', smoothing: 0, logX: false, logY: false, zoom: null, span: [0, 2], theme: THEME };
  const scale = new XScale('step', false, null);
  const drawn = (step: number[], value: number[], part: Partial<PanelState> = {}): ReturnType<typeof drawingOf> => {
    const one = points('loss', step, value);
    const line = { points: one, x: one.step, label: '', short: '', colour: '#000', dash: 'solid', isBaseline: false, width: 1, opacity: 1 };
    return drawingOf([line], { ...state, ...part }, scale);
  };

  it('have marks where a line would stand on the axis', () => {
    expect(drawn([0, 0, 0], [3, 2, 1]).traces[0]).toMatchObject({ mode: 'markers' });
    expect(drawn([0, 1, 1], [3, 2, 1]).traces[0]).toMatchObject({ mode: 'lines' });
  });

  it('are drawn over time where they have no steps and others have', () => {
    const set = new SeriesSet();
    const heads = ['acc', 'loss', 'once'].map(key => ({ run: 'a', key, n: 2, total: 2 }));
    set.add(heads, floats(0, 1, 0, 0, 0, 0), floats(0, 1000, 0, 1000, 5, 5), floats(1, 2, 3, 4, 5, 6));
    const given = { data: set, runs: [run('a')], theme: THEME, hidden: new Set<string>(), detail: null };
    const { kind, stepless, groups } = arrange({ ...given, x: 'auto' });
    expect([kind, ...stepless]).toEqual(['step', 'loss']);
    expect([...groups.get('loss')![0]!.x]).toEqual([0, 1]);
    expect(arrange({ ...given, x: 'step' }).stepless.size).toBe(0);
  });

  it.each<[number[], Partial<PanelState>, string]>([
    [[NaN, NaN], {}, 'All 2 values are NaN'],
    [[Infinity, NaN], {}, 'All 2 values are ∞ or NaN'],
    [[NaN], {}, 'The value is NaN'],
    [[-1, 0], { logY: true }, 'No value is above 0: none is on a logarithmic axis'],
    [[NaN, 1], {}, ''],
    // Plotly draws none that large
    [[1.7e308, 1.7e308], {}, 'All 2 values are 1.7e308'],
    [[1, 1.7e308], {}, '']
  ])('say why there is no curve: %j', (values, part, text) => {
    const drawing = drawn(values.map((_, i) => i), values, part);
    expect(drawing.nothing).toBe(text);
    const layout = layoutOf({ ...state, ...part }, scale, drawing) as { annotations: object[]; yaxis: { showticklabels?: boolean } };
    expect([layout.annotations.length, layout.yaxis.showticklabels]).toEqual(text ? [1, false] : [0, undefined]);
  });

  it.each([
    [[0.2, 3], ['0.3', '1', '3']],
    [[20, 90], ['20', '50']]
  ])('of a logarithmic axis have whole numbers for labels: %j', ([low, high], texts) => {
    const shown = { ...state, logY: true };
    const layout = layoutOf(shown, scale, drawn([0, 1], [low!, high!], { logY: true })) as { yaxis: { ticktext?: string[] } };
    expect(layout.yaxis.ticktext).toEqual(texts);
  });

  it('have room for long labels, and no more than that', () => {
    expect(labelRoom([0, 1], false)).toBe(46);
    expect(labelRoom([-1234567.5, -1234567.4], false)).toBeGreaterThan(80);
    expect(labelRoom([1e6, 1e6 + 1e-9], false)).toBeLessThanOrEqual(110);
    // `1.5e−300` has nine letters, `1.5e−5` seven
    expect(labelRoom([1e-300, 2e-300], false)).toBeGreaterThan(labelRoom([1e-5, 2e-5], false));
    expect(labelRoom([0, 1e120], false)).toBeGreaterThan(55);
  });

  it('have a scale of colours with two ends only where values differ', () => {
    const legend = (...values: number[]): HTMLElement => {
      return new ColourRamp({ name: 'metrics.loss', kind: 'number', values: floats(...values), categories: [], direction: 'min' }, THEME).legend();
    };
    expect([legend(0.5, 0.5).textContent, legend(0.5, NaN).textContent, legend(0.2, 0.9).textContent]).toEqual(['0.5', '0.5', '0.20.9']);
  });

  it('have labels that do not run into each other', () => {
    expect(apart([0, 10, 20, 100], [30, 30, 30, 30])).toEqual([0, 3]);
    expect(apart([0, 40, 80], [30, 30, 30])).toEqual([0, 1, 2]);
    expect(apart([], [])).toEqual([]);
  });
});
