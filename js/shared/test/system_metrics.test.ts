// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { arrange } from '../src/arrangement';
import { plotOf } from '../src/groups';
import type { RunRef } from '../src/requests';
import { SeriesSet } from '../src/series';
import { systemLoader } from '../src/system_curves';
import { SystemSection } from '../src/system_section';
import type { Theme } from '../src/theme';

const THEME: Theme = {
  dark: false, text: '#000', muted: '#666', grid: '#eee', danger: '#c00', font: 'sans', palette: ['#0072b2', '#d55e00', '#009e73']
};
const RUNS: RunRef[] = [{ id: 'a', name: 'a', role: 'plain', state: 'FINISHED' }];
const CPU = 'system/cpu_utilization_percentage';
const view = (...values: number[]): DataView => new DataView(Float64Array.from(values).buffer);

/** Curves with a point each second, from step 0 or always at step 0. */
function curves(keys: readonly string[], step: (i: number) => number = i => i): SeriesSet {
  const set = new SeriesSet();
  for (const key of keys) set.add([{ run: 'a', key, n: 3, total: 3 }], Float64Array.of(step(0), step(1), step(2)), Float64Array.of(0, 1000, 2000), Float64Array.of(1, 2, 3));
  return set;
}

describe('metrics of the machine', () => {
  const given = { runs: RUNS, theme: THEME, x: 'auto', hidden: new Set<string>(), detail: null };

  it('stand behind the others, over time, and have no say in the axis of the others', () => {
    const data = curves([CPU]);
    for (const series of curves(['loss'], () => 0)) data.add([series], series.step, series.time, series.value);
    const found = arrange({ ...given, data });
    expect([...found.groups.keys()]).toEqual(['loss', CPU]);
    expect([found.kind, found.systemKind]).toEqual(['relative', 'relative']);
    const steps = arrange({ ...given, data: curves([CPU, 'loss']) });
    expect([steps.kind, steps.systemKind, steps.metrics]).toEqual(['step', 'relative', ['loss']]);
    expect([...steps.groups.get(CPU)![0]!.x]).toEqual([0, 1, 2]);
  });

  it('share a plot where they are of several GPUs or nodes', () => {
    const names = ['system/gpu_10_power_usage_watts', 'system/gpu_2_power_usage_watts', 'system/n1/gpu_0_power_usage_watts'];
    const { groups } = arrange({ ...given, data: curves(names) });
    const [group, lines] = [...groups][0]!;
    expect(group).toBe('system/gpu_power_usage_watts');
    expect(lines.map(line => line.label)).toEqual(['GPU 2', 'GPU 10', 'n1 GPU 0']);
    expect(new Set(lines.map(line => line.colour)).size).toBe(3);
    expect(plotOf('system/n1/cpu').part).toBe('n1');
  });
});

describe('the section of system metrics', () => {
  const button = (section: SystemSection): HTMLElement => section.element.querySelector('button')!;

  it('is folded beside others, open where it is alone, and stays as the user wants it', () => {
    const section = new SystemSection(() => undefined);
    expect([section.show(0, true), section.element.hidden]).toEqual([true, true]);
    expect([section.show(8, false), section.element.hidden]).toEqual([false, false]);
    expect(section.element.textContent).toContain('System metrics8');
    expect(section.show(8, true)).toBe(true);
    button(section).click();
    expect([section.show(8, true), button(section).getAttribute('aria-expanded')]).toEqual([false, 'false']);
  });

  it('reads the points when it is opened, and again when there are new ones', async () => {
    const data = curves(['loss']);
    const response = { body: { series: [{ run: 'a', key: CPU, n: 2, total: 2 }] }, buffers: [view(0, 1), view(0, 9), view(50, 60)] };
    const ask = vi.fn().mockResolvedValue(response);
    const section = new SystemSection(() => section.show([...data].length - 1, false));
    const loader = systemLoader({ ask }, data, ['a']);
    section.offer(loader);
    expect(ask).not.toHaveBeenCalled();
    button(section).click();
    await vi.waitFor(() => expect(data.get('a', CPU)?.n).toBe(2));
    expect(ask).toHaveBeenCalledWith('chart.runs', { run_ids: ['a'], system: true });
    section.offer(loader);
    await vi.waitFor(() => expect(ask).toHaveBeenCalledTimes(2));
    expect(data.get('a', CPU)!.n).toBe(2);
  });

  it('says what could not be read, and tries again when it is opened again', async () => {
    const ask = vi.fn().mockRejectedValue(new Error('the store is away'));
    const section = new SystemSection(() => section.show(0, false));
    section.offer(systemLoader({ ask }, new SeriesSet(), ['a']));
    button(section).click();
    await vi.waitFor(() => expect(section.element.textContent).toContain('the store is away'));
    for (let i = 0; i < 2; i++) button(section).click();
    await vi.waitFor(() => expect(ask).toHaveBeenCalledTimes(2));
  });

  it('keeps points that were read apart when the others come anew', () => {
    const data = curves(['loss', CPU]);
    const content = (...keys: string[]) => ({ seq: 1, series: keys.map(key => ({ run: 'a', key, n: 1, total: 1 })), step: view(...keys.map(() => 5)), time: view(...keys.map(() => 5)), value: view(...keys.map(() => 5)) });
    data.replace(content('loss'));
    expect([...data].map(series => [series.key, series.n])).toEqual([[CPU, 3], ['loss', 1]]);
    data.replace(content('loss', CPU));
    expect(data.get('a', CPU)!.n).toBe(1);
  });
});
