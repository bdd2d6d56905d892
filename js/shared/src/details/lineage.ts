import { errorBox, h } from '../dom';
import { formatBytes } from '../format';
import { keepFocus } from '../kept_focus';
import { codeLine } from '../model_parts';
import { released } from '../presses';
import { problemOf } from '../problem';
import type { EnvironmentNow, FileUse, LineageNode, LineagePage, ModelRef, RunState } from '../requests';
import { stateIcon } from '../state_icon';
import { lineageLines } from './lineage_lines';
import { facts, linkButton, scroller, section, textTable } from './parts';

export interface LineageHandlers {
  openRun(runId: string): void;
  openModel(ref: ModelRef, name: string): void;
  /** Show another tab of the details; null where there are no such tabs. */
  show: ((tab: string) => void) | null;
  /** What opens a file below a folder; null where nothing does. */
  opensFile(folder: string, path: string): (() => void) | null;
}

const TABS: Partial<Record<LineageNode['kind'], string>> = { cell: 'source', code: 'source', environment: 'environment', metric: 'curves' };
const STATES = new Set<string>(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED', 'INTERRUPTED']);

/** Where a run, a number or a model comes from: asked for, and shown as the lines of a graph. */
export class LineagePanel {
  private readonly place = h('div');
  private seen = '';
  private requestNumber = 0;

  constructor(
    panel: HTMLElement,
    private readonly ask: () => Promise<LineagePage>,
    private readonly handlers: LineageHandlers,
    /** What stands above the graph, such as the way back from a number to its run. */
    private readonly head: () => HTMLElement[] = () => []
  ) {
    panel.replaceChildren(this.place);
    this.refresh();
  }

  refresh(): void {
    void this.load();
  }

  private async load(): Promise<void> {
    const number = ++this.requestNumber;
    try {
      const page = await this.ask();
      await released(this.place);
      if (number !== this.requestNumber) return;
      const seen = JSON.stringify(page);
      if (seen === this.seen) return;
      this.seen = seen;
      keepFocus(this.place, () => this.place.replaceChildren(...this.head(), ...lineageParts(page, this.handlers)));
    } catch (error) {
      if (number !== this.requestNumber) return;
      this.seen = '';
      this.place.replaceChildren(errorBox(problemOf(error).advice));
    }
  }
}

/** The graph, the files, and what of the environment is another one now. */
export function lineageParts(page: LineagePage, handlers: LineageHandlers): HTMLElement[] {
  const parts: HTMLElement[] = [];
  if (page.nodes.length > 1) parts.push(section('Where it comes from', lineageGraph(page, handlers), codeLine(page.call, 'Copy the line of Python that says this')));
  else parts.push(section('Where it comes from', h('p', { class: 'nbt-empty' }, 'Not known: neither cells nor data nor code were kept.')));
  if (page.files.length > 0) parts.push(section('Files read and written', ...fileTable(page, handlers)));
  if (page.environment) parts.push(section('Environment, then and now', environmentNow(page.environment)));
  return parts;
}

/** The nodes one below the other, the lines between them at the side: for screen readers a list. */
export function lineageGraph(page: LineagePage, handlers: LineageHandlers): HTMLElement {
  const list = h('ol', { class: 'nbt-lineage', 'aria-label': 'Where it comes from' });
  const lanes = 1 + Math.max(...page.nodes.flatMap(({ rail }) => [rail.at, ...rail.above, ...rail.below]));
  for (const node of page.nodes) {
    const row = h('li', { style: `--nbt-lanes: ${lanes}`, 'data-kind': node.kind });
    const what = h('span', { class: 'nbt-lineage-what' }, ...content(node, page, handlers));
    if (node.leads_to.length > 0) what.append(h('span', { class: 'nbt-sr' }, `, leads to ${node.leads_to.join(', ')}`));
    row.append(lineageLines(node.rail, lanes), h('span', { class: 'nbt-lineage-word' }, titled(node.kind)), what);
    list.append(row);
  }
  return list;
}

function content(node: LineageNode, page: LineagePage, handlers: LineageHandlers): (Node | string)[] {
  const label = node.version === null ? node.name : `${node.name} v${node.version}`;
  const act = opens(node, page, handlers);
  const parts: (Node | string)[] = [];
  if (node.state && STATES.has(node.state)) parts.push(stateIcon(node.state as RunState));
  parts.push(act ? linkButton(label, act) : h('span', {}, label));
  if (node.facts) parts.push(h('span', { class: 'nbt-row-fact' }, node.facts));
  if (node.kind === 'file' && node.state) parts.push(fileState(node.state));
  return parts;
}

function opens(node: LineageNode, page: LineagePage, handlers: LineageHandlers): (() => void) | null {
  const { run_id: runId, model_id: modelId, version, name, kind } = node;
  const { show } = handlers;
  if (modelId) return () => handlers.openModel({ model_id: modelId }, name);
  if (version !== null) return () => handlers.openModel({ name, version }, `${name} v${version}`);
  const isHere = runId === page.run_id;
  if (kind === 'file') return isHere ? opensFile(page, name, node.state, handlers) : null;
  const tab = TABS[kind];
  if (isHere && show) return tab ? () => show(tab) : null;
  return runId ? () => handlers.openRun(runId) : null;
}

function opensFile(page: LineagePage, path: string, state: string | null, { opensFile: open }: LineageHandlers): (() => void) | null {
  const gone = ['missing', 'not here', 'not looked at'].includes(state ?? '');
  return page.folder === null || gone || path.endsWith('/') ? null : open(page.folder, path);
}

function fileState(state: string): HTMLElement {
  const kind = { same: 'good', changed: 'bad', missing: 'bad', 'may have changed': 'info' }[state];
  const words = { same: 'still the same', 'not here': 'folder is not on this machine', 'not looked at': 'not looked at here' }[state] ?? state;
  return h('span', { class: 'nbt-badge', 'data-kind': kind }, words);
}

function fileTable(page: LineagePage, handlers: LineageHandlers): HTMLElement[] {
  const rows = page.files.map(file => {
    const open = opensFile(page, file.path, file.state, handlers);
    return [open ? linkButton(file.path, open) : file.path, file.mode, sizeOf(file), file.cells.map(n => `[${n}]`).join(' '), fileState(file.state)];
  });
  const parts: HTMLElement[] = [scroller('Files', textTable('Files read and written', ['File', 'Was', 'Size', 'Cells', 'Now'], rows))];
  if (page.folder) parts.unshift(facts([['Folder', h('code', {}, page.folder)]]));
  if (page.left_out > 0) parts.push(h('p', { class: 'nbt-empty' }, `and ${page.left_out.toLocaleString('en-US')} more, in the artifact .nbtrack/files.json`));
  return parts;
}

function sizeOf({ size, count }: FileUse): string {
  return count > 1 ? `${formatBytes(size)} in ${count.toLocaleString('en-US')} files` : formatBytes(size);
}

function environmentNow({ is_here: isHere, changes, call }: EnvironmentNow): HTMLElement {
  if (changes.length > 0) {
    const rows = changes.map(({ name, then, now }) => [name, then ?? '–', now ?? '–']);
    return scroller('Environment', textTable('Environment, then and now', ['', 'Then', 'Now'], rows));
  }
  if (isHere) return h('p', { class: 'nbt-empty' }, 'The same: Python, platform, and the packages that it had imported.');
  const why = h('p', { class: 'nbt-empty' }, 'Not compared: another Python than the one that answers here made it, or the machine is not yours. In the notebook that you would run it in:');
  return h('div', {}, why, codeLine(call, 'Copy the line of Python that compares them'));
}

function titled(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
