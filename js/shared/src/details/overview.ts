import { h } from '../dom';
import { formatDuration, formatNumber, formatTime, formatValue } from '../format';
import { isSystemMetric } from '../groups';
import type { DatasetFacts, FullRun, MetricFacts, RunLink } from '../requests';
import { sparkline } from '../sparkline';
import { stateIcon } from '../state_icon';
import { changesSection } from './changes';
import { facts, linkButton, scroller, section, textTable } from './parts';

/** How many params stand in the overview; the others are in their own tab. */
const FEW_PARAMS = 12;

export interface OverviewHandlers {
  open(runId: string): void;
  /** What was found without a log call. */
  found: HTMLElement;
  /** Show another tab. */
  show(tab: string): void;
  /** Show where a metric comes from. */
  showOrigin(metric: string): void;
  setNote(note: string): void;
  tag(before?: [string, string]): void;
  /** Whether the differences from the run before are open, and what keeps that. */
  changesOpen: boolean;
  keepChangesOpen(open: boolean): void;
}

/** What a run was about, in one look. */
export function showOverview(panel: HTMLElement, details: FullRun, handlers: OverviewHandlers): void {
  const { run } = details;
  const parts: HTMLElement[] = [];
  if (run.error) parts.push(h('pre', { class: 'nbt-failure', tabindex: 0, 'aria-label': 'Why the run failed' }, run.error));
  const side = h('div', { class: 'nbt-overview-side' });
  const main = h('div', { class: 'nbt-overview-main' });
  const { changesOpen, keepChangesOpen: toggle, open } = handlers;
  const changes = details.since && changesSection(details.since, changesOpen, { open, toggle });
  if (changes) main.append(changes);
  const own = details.metrics.filter(metric => !isSystemMetric(metric.key));
  const machine = details.metrics.filter(metric => isSystemMetric(metric.key));
  if (own.length > 0) main.append(section('Metrics', metricTable('Metrics', own, handlers)));
  else main.append(section('Metrics', h('p', { class: 'nbt-empty' }, 'This run has logged no metrics.')));
  if (machine.length > 0) {
    const open = panel.querySelector<HTMLDetailsElement>('.nbt-machine')?.open ?? false;
    const fold = h('details', { class: 'nbt-machine', open }, h('summary', {}, `System metrics (${machine.length})`), metricTable('System metrics', machine, handlers));
    main.append(fold);
  }
  if (details.params.length > 0) main.append(section('Params', ...firstParams(details.params, handlers)));
  main.append(handlers.found);
  if (details.datasets.length > 0) main.append(section('Datasets', datasetTable(details.datasets)));
  side.append(section('Note', noteEditor(run.note ?? '', { label: 'Note', hint: 'What was tried, and what came of it', save: handlers.setNote })), section('Tags', tagList(details, handlers)));
  side.append(
    section(
      'Run',
      facts([
        ['Started', formatTime(run.start_ms)],
        ['Ended', formatTime(run.end_ms)],
        ['Took', formatDuration(run.duration_s)],
        ['Last step', run.last_step === null ? null : formatNumber(run.last_step)],
        ['By', run.user],
        ['Experiment', run.experiment],
        ['Stage', run.stage === 'active' ? (run.archived ? 'archived' : null) : run.stage],
        ['ID', h('code', {}, run.run_id)]
      ])
    )
  );
  const family = [...(run.parent ? [[run.parent, 'Part of'] as const] : [])];
  if (family.length > 0 || run.children.length > 0) {
    const list = h('ul', { class: 'nbt-links' });
    for (const [link, word] of family) list.append(h('li', {}, `${word} `, runLink(link, handlers)));
    for (const link of run.children) list.append(h('li', {}, runLink(link, handlers)));
    side.append(section(run.parent ? 'Nested' : `Nested runs (${run.children.length})`, list));
  }
  panel.replaceChildren(...parts, h('div', { class: 'nbt-overview' }, main, side));
}

function runLink(link: RunLink, handlers: OverviewHandlers): HTMLElement {
  const button = linkButton(link.name, () => handlers.open(link.run_id));
  return link.state ? h('span', { class: 'nbt-runlink' }, stateIcon(link.state), button) : button;
}

function metricTable(name: string, metrics: readonly MetricFacts[], { showOrigin }: OverviewHandlers): HTMLElement {
  const cell = (value: number | null): string => formatNumber(value) || '–';
  const origin = (key: string): HTMLElement => {
    const button = linkButton('Where from', () => showOrigin(key));
    button.setAttribute('aria-label', `Where ${key} comes from`);
    return button;
  };
  const curve = ({ spark }: MetricFacts): Node | string => (spark.length > 1 ? sparkline(spark, 72, 18) : ''); // one value is no curve
  const rows = metrics.map(m => [m.key, curve(m), m.last === null ? 'NaN or ∞' : cell(m.last), cell(m.min), cell(m.max), cell(m.step), origin(m.key)]);
  return scroller(name, textTable(name, ['Metric', 'Curve', 'Last', 'Min', 'Max', 'Step', ''], rows));
}

function firstParams(params: FullRun['params'], handlers: OverviewHandlers): HTMLElement[] {
  const shown = h('div', { class: 'nbt-columns-2' }, facts(params.slice(0, FEW_PARAMS)));
  if (params.length <= FEW_PARAMS) return [shown];
  return [shown, linkButton(`All ${params.length} params`, () => handlers.show('params'))];
}

function datasetTable(datasets: readonly DatasetFacts[]): HTMLElement {
  const rows = datasets.map(d => [d.name, d.context ?? '', sourceOf(d.source), h('code', {}, d.digest)]);
  return scroller('Datasets', textTable('Datasets', ['Dataset', 'Used for', 'Source', 'Digest'], rows));
}

/** Where a dataset came from; of one that code made, its file. */
function sourceOf(source: unknown): string {
  const name = (source as { tags?: Record<string, unknown> } | null)?.tags?.['mlflow.source.name'];
  return typeof name === 'string' ? name : formatValue(source);
}

function tagList(details: FullRun, handlers: OverviewHandlers): HTMLElement {
  const list = h('div', { class: 'nbt-chips' });
  for (const [key, value] of details.tags) {
    const chip = h('button', { type: 'button', class: 'nbt-chip', title: 'Change this tag' }, h('span', {}, key), value);
    chip.addEventListener('click', () => handlers.tag([key, value]));
    list.append(chip);
  }
  const add = h('button', { type: 'button', class: 'nbt-chip nbt-chip-add' }, '+ Add tag');
  add.addEventListener('click', () => handlers.tag());
  list.append(add);
  return list;
}

/** A text that is written in its place, and saved when it is left. */
export function noteEditor(note: string, { label, hint, save: keep }: { label: string; hint: string; save(text: string): void }): HTMLElement {
  const text = h('textarea', { class: 'nbt-note-field', rows: 3, 'aria-label': label, placeholder: hint });
  text.value = note;
  const fit = (): void => {
    text.style.height = 'auto';
    if (text.scrollHeight > 0) text.style.height = `${Math.min(text.scrollHeight + 2, 240)}px`;
  };
  requestAnimationFrame(fit);
  text.addEventListener('input', fit);
  const save = (): void => {
    if (text.value.trim() !== note.trim()) keep(text.value.trim());
  };
  text.addEventListener('blur', save);
  text.addEventListener('keydown', event => {
    if (event.key === 'Escape') {
      text.value = note;
      text.blur();
    } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      text.blur();
    }
  });
  return text;
}
