// @vitest-environment happy-dom
import type { Experiment, RegistryTree } from '@nbtrack/shared/requests';
import { h } from '@nbtrack/shared/dom';
import { describe, expect, it } from 'vitest';
import { tokensOf } from '@nbtrack/shared/code_tokens';
import { markdownNodes, plainLine } from '@nbtrack/shared/markdown';
import { Navigation } from '../src/navigation';
import { NOTHING, type Shown } from '../src/address_state';
import { addressOf, parseRoute, type Route } from '../src/routes';

const TABLE: Shown['table'] = { filter: "params.a = '1,2' & x%", sort: [['metrics.a,b', false], ['run_name', true]], group: ['seeds'], stage: 'archived' };
const PLOTS: Shown['plots'] = { metric: 'metrics.loss', brushes: [{ column: 'params.lr', low: 0.1, high: null }] as never, log: { 'params.lr': true } };
const ROUTES: Route[] = [
  { page: 'runs', experiments: [], view: 'table', shown: NOTHING },
  { page: 'runs', experiments: ['1', '22'], view: 'plots', shown: { ...NOTHING, plots: PLOTS, selected: ['r1', 'r2'] } },
  { page: 'runs', experiments: ['1'], view: 'table', shown: { ...NOTHING, table: TABLE } },
  { page: 'run', runId: 'abc123', tab: 'curves', shown: { ...NOTHING, chart: { zoom: [10, 20.5], logY: true, hidden: ['split:val'] } } },
  { page: 'run', runId: 'abc123', tab: 'images', shown: { ...NOTHING, images: { steps: { 'val/a,b': 20 } } } },
  { page: 'compare', runIds: ['a', 'b'], shown: { ...NOTHING, images: { steps: { '': 0 }, zoom: 3, centre: [0.25, 0.5] } } },
  { page: 'models' },
  { page: 'model', name: 'a/b c?d#e%20 ü' },
  { page: 'version', name: 'net', version: 12, tab: '' },
  { page: 'logged', modelId: 'm-1', tab: 'files' }
];

describe('addresses', () => {
  it.each(ROUTES)('of $page lead back to what they are of', route => {
    expect(parseRoute(addressOf(route))).toEqual(route);
  });

  it('begin with all runs', () => {
    for (const hash of ['', '#', '#/']) expect(parseRoute(hash)).toEqual(ROUTES[0]);
  });

  it('that clients of MLflow print are known', () => {
    const read = (hash: string): string => addressOf(parseRoute(hash));
    expect(read('#/experiments/7/runs/abc')).toBe('#/runs/abc');
    expect(read('#/experiments/7')).toBe('#/runs?experiments=7');
    expect(read('#/experiments/7/models/m-1')).toBe('#/logged-models/m-1');
    expect(read('#/models/net/versions/2')).toBe('#/models/net/2');
  });

  it('say of what is shown only what is other than at the beginning', () => {
    const chart = { x: 'auto', smoothing: 0, logX: false, logY: false, hidden: [], zoom: null } as const;
    expect(addressOf({ page: 'run', runId: 'a', tab: '', shown: { ...NOTHING, chart } })).toBe('#/runs/a');
    const many = Array.from({ length: 51 }, (_, i) => `r${i}`);
    expect(addressOf({ page: 'runs', experiments: [], view: 'table', shown: { ...NOTHING, selected: many } })).toBe('#/runs');
  });

  it('with what makes no sense show the rest', () => {
    const read = parseRoute('#/runs?stage=gone&chart={"zoom":"x","logY":true}&plots=[1&sort=-,a&images={"zoom":"2","steps":[1],"size":96}');
    expect(read).toMatchObject({ shown: { table: { sort: [['a', true]] }, chart: { logY: true }, plots: {}, images: { size: 96 } } });
  });

  it('that nobody has made show nothing', () => {
    for (const hash of ['#/x', '#/runs/a/b', '#/models/net/latest', '#/models/net/1/2']) expect(parseRoute(hash).page).toBe('nothing');
    expect(parseRoute('#/runs/%E0%A4%A').page).toBe('run');
  });
});

describe('the list of experiments', () => {
  const experiment = (id: string, name: string, runs: number, last_ms: number): Experiment =>
    ({ experiment_id: id, name, runs, running: runs % 2, last_ms, stage: 'active' }) as Experiment;
  const tree = { models: [], total: 0 } as unknown as RegistryTree;

  it('keeps its rows, so that none is lost under the pointer', () => {
    const navigation = new Navigation(() => undefined);
    const rows = (): HTMLElement[] => [...navigation.element.querySelectorAll<HTMLElement>('[data-id]')];
    navigation.setContent([experiment('1', 'a', 1, 9), experiment('2', 'b', 2, 5)], tree);
    const before = rows();
    navigation.setContent([experiment('1', 'a', 4, 6), experiment('2', 'b', 3, 7), experiment('3', 'c', 0, 1)], tree);
    expect(rows().slice(0, 2)).toEqual([before[1], before[0]]);
    expect(rows().map(row => row.lastElementChild!.textContent)).toEqual(['3', '4', '0']);
    expect(rows()[0]!.querySelector('.nav-name')).toBe(before[1]!.querySelector('.nav-name'));
    navigation.setContent([experiment('3', 'c', 0, 1)], tree);
    expect(rows().map(row => row.dataset['id'])).toEqual(['3']);
  });
});

describe('code', () => {
  const source = 'import os  # why\nx = r"a\\"b" + f(\'c\', 1e-3) if x else None\n"""never closed';

  it('keeps every letter', () => {
    for (const language of ['python', 'json', 'sql', 'javascript', 'klingon']) {
      expect(tokensOf(source, language).map(token => token.text).join('')).toBe(source);
    }
  });

  it('tells words apart', () => {
    const kinds = Object.fromEntries(tokensOf(source, 'python').map(({ kind, text }) => [text, kind]));
    expect(kinds).toMatchObject({ import: 'keyword', '# why': 'comment', 'r"a\\"b"': 'string', '1e-3': 'number', f: 'name', None: 'keyword' });
  });
});

describe('Markdown', () => {
  const shown = (text: string): string => h('div', {}, ...markdownNodes(text, source => h('div', {}, source))).innerHTML;

  it('shows the usual parts', () => {
    expect(shown('# A `b`\n\none\ntwo **three**\n\n- x\n- y\n\n```py\n*z*\n```')).toBe(
      '<h3>A <code>b</code></h3><p>one two <strong>three</strong></p><ul><li>x</li><li>y</li></ul><div>*z*</div>'
    );
    expect(shown('|a|b|\n|-|-|\n|1|2|')).toContain('<td>1</td>');
  });

  it('is one line without its marks in a list', () => {
    expect(plainLine('# Notes\n\nA **bold `word`** and a [link](http://x.y).\n\n- one\n> two\n---\n```py\nx = 1\n```\n')).toBe('Notes A bold word and a link. one two x = 1');
    expect(plainLine('| a | b |\n|---|---|\n| 1 | 2 |')).toBe('a | b 1 | 2');
  });

  it('makes no element of HTML, and no link that runs code', () => {
    expect(shown('<img src=x onerror=alert(1)>')).not.toContain('<img');
    expect(shown('[a](javascript:alert(1))')).toBe('<p>a)</p>');
    expect(shown('[a](https://x.org "t")')).toContain('rel="noopener noreferrer"');
  });

  it('comes to an end, whatever the text', () => {
    for (const text of ['```', '>', '>\n>', '- ', '|', '|\n|-', '#', '---', '* * *\n- a', '  x\n\n\n']) expect(typeof shown(text)).toBe('string');
  });
});
