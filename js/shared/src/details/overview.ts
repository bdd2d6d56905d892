import { h } from '../dom';
import { formatDuration, formatNumber, formatTime, formatValue } from '../format';
import { isSystemMetric } from '../groups';
import type { DatasetFacts, Failure, FullRun, MetricFacts, RunLink } from '../requests';
import { sparkline } from '../sparkline';
import { stateIcon } from '../state_icon';
import { changesSection } from './changes';
import { NoteEditor } from './note_editor';
import { facts, linkButton, scroller, section, textTable } from './parts';
import { Slots } from './slots';

/** How many params stand in the overview; the others are in their own tab. */
const FEW_PARAMS = 12;

export interface OverviewHandlers {
  open(runId: string): void;
  compare?: ((runIds: string[]) => void) | undefined;
  /** What was found without a log call. */
  found: HTMLElement;
  /** Show another tab. */
  show(tab: string): void;
  /** Show where a metric comes from. */
  showOrigin(metric: string): void;
  /** Store the note; whether that was done. */
  setNote(note: string): Promise<boolean>;
  tag(before?: [string, string]): void;
}

/** What a run was about, in one look. */
export class Overview {
  private readonly main = new Slots(h('div', { class: 'nbt-overview-main' }));
  private readonly side = new Slots(h('div', { class: 'nbt-overview-side' }));
  private readonly body = h('div', { class: 'nbt-overview' }, this.main.element, this.side.element);
  private readonly page: Slots;
  private readonly note: NoteEditor;
  private readonly noted: HTMLElement;

  constructor(
    panel: HTMLElement,
    private readonly handlers: OverviewHandlers
  ) {
    this.note = new NoteEditor({ label: 'Note', hint: 'What was tried, and what came of it', save: handlers.setNote });
    this.noted = section('Note', this.note.element);
    this.page = new Slots(panel);
  }

  /** Show what is new; what somebody writes stays. */
  show(details: FullRun): void {
    const { handlers } = this;
    const { run, params, datasets, tags, since } = details;
    this.note.set(run.note ?? '');
    const { failure } = details;
    this.page.set([failure && { name: 'error', about: failure, draw: () => failureOf(failure) }, { name: 'parts', about: null, draw: () => this.body }]);
    const own = details.metrics.filter(metric => !isSystemMetric(metric.key));
    const machine = details.metrics.filter(metric => isSystemMetric(metric.key));
    this.main.set([
      since && since.items.length > 0 && { name: 'changes', about: since, draw: () => changesSection(since, this.isOpen('.nbt-changes ~ .nbt-detail'), handlers.open) },
      { name: 'metrics', about: own, draw: () => section('Metrics', own.length > 0 ? metricTable('Metrics', own, handlers) : h('p', { class: 'nbt-empty' }, 'This run has logged no metrics.')) },
      machine.length > 0 && { name: 'machine', about: machine, draw: () => machineFold(machine, this.isOpen('.nbt-machine > :last-child'), handlers) },
      params.length > 0 && { name: 'params', about: params, draw: () => section('Params', ...firstParams(params, handlers)) },
      { name: 'found', about: null, draw: () => handlers.found },
      datasets.length > 0 && { name: 'datasets', about: datasets, draw: () => section('Datasets', datasetTable(datasets)) }
    ]);
    const { parent, children } = run;
    this.side.set([
      { name: 'note', about: null, draw: () => this.noted },
      { name: 'tags', about: tags, draw: () => section('Tags', tagList(tags, handlers)) },
      { name: 'run', about: { ...run, note: null, children: null }, draw: () => section('Run', runFacts(run)) },
      (parent || children.length > 0) && { name: 'family', about: [parent, children], draw: () => family(run, handlers) }
    ]);
  }

  /** Save what was written last. */
  dispose(): void {
    void this.note.save();
  }

  /** Whether somebody has opened what is drawn anew. */
  private isOpen(part: string): boolean {
    const found = this.main.element.querySelector<HTMLElement>(part);
    return found !== null && !found.hidden && (found.closest('details')?.open ?? true);
  }
}

function failureOf({ error, line, traceback }: Failure): HTMLElement {
  const text = line === null ? error : `${error} (line ${line})`;
  const why = h('pre', { class: 'nbt-failure', tabindex: 0, 'aria-label': 'Why the run failed' }, text);
  if (traceback === null) return why;
  const trace = h('pre', { class: 'nbt-traceback', tabindex: 0, 'aria-label': 'Traceback' }, traceback);
  return h('div', {}, why, h('details', { class: 'nbt-fold' }, h('summary', {}, 'Traceback'), trace));
}

function machineFold(metrics: readonly MetricFacts[], open: boolean, handlers: OverviewHandlers): HTMLElement {
  return h('details', { class: 'nbt-machine', open }, h('summary', {}, `System metrics (${metrics.length})`), metricTable('System metrics', metrics, handlers));
}

function runFacts(run: FullRun['run']): HTMLElement {
  return facts([
    ['Started', formatTime(run.start_ms)],
    ['Ended', formatTime(run.end_ms)],
    ['Took', formatDuration(run.duration_s)],
    ['Last step', run.last_step === null ? null : formatNumber(run.last_step)],
    ['By', run.user],
    ['Experiment', run.experiment],
    ['Stage', run.stage === 'active' ? (run.archived ? 'archived' : null) : run.stage],
    ['ID', h('code', {}, run.run_id)]
  ]);
}

function family({ parent, children }: FullRun['run'], handlers: OverviewHandlers): HTMLElement {
  const list = h('ul', { class: 'nbt-links' });
  if (parent) list.append(h('li', {}, 'Part of ', runLink(parent, handlers)));
  for (const link of children) list.append(h('li', {}, runLink(link, handlers)));
  const { compare } = handlers;
  const more = compare && children.length > 1 ? [linkButton('Compare them', () => compare(children.map(child => child.run_id)))] : [];
  return section(parent ? 'Nested' : `Nested runs (${children.length})`, list, ...more);
}

function runLink(link: RunLink, handlers: OverviewHandlers): HTMLElement {
  const button = linkButton(link.name, () => handlers.open(link.run_id));
  return link.state ? h('span', { class: 'nbt-runlink' }, stateIcon(link.state), button) : button;
}

function metricTable(name: string, metrics: readonly MetricFacts[], { showOrigin }: OverviewHandlers): HTMLElement {
  const cell = (value: number | string | null): string => (typeof value === 'string' ? value : formatNumber(value)) || '–';
  const origin = (key: string): HTMLElement => {
    const button = linkButton('Where from', () => showOrigin(key));
    button.setAttribute('aria-label', `Where ${key} comes from`);
    return button;
  };
  const curve = ({ spark }: MetricFacts): Node | string => (spark.length > 1 ? sparkline(spark, 72, 18) : ''); // one value is no curve
  const rows = metrics.map(m => [m.key, curve(m), cell(m.last), cell(m.min), cell(m.max), cell(m.step), origin(m.key)]);
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

function tagList(tags: FullRun['tags'], handlers: OverviewHandlers): HTMLElement {
  const list = h('div', { class: 'nbt-chips' });
  for (const [key, value] of tags) {
    const chip = h('button', { type: 'button', class: 'nbt-chip', title: 'Change this tag' }, h('span', {}, key), value);
    chip.addEventListener('click', () => handlers.tag([key, value]));
    list.append(chip);
  }
  const add = h('button', { type: 'button', class: 'nbt-chip nbt-chip-add' }, '+ Add tag');
  add.addEventListener('click', () => handlers.tag());
  list.append(add);
  return list;
}
