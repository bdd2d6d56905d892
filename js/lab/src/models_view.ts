import { h } from '@nbtrack/shared/dom';
import { formatNumber } from '@nbtrack/shared/format';
import { plainLine } from '@nbtrack/shared/markdown';
import { afterPress } from '@nbtrack/shared/presses';
import { metricText, modelBadge, modelChips } from '@nbtrack/shared/model_parts';
import type { ModelRow, ModelTreeRow } from './model_tree';
import type { ModelsModel } from './models_model';
import { ago } from './tree_row';

export interface ModelHandlers {
  /** Show a version; `stay` when its tab is to be kept. */
  openModel(name: string, version: number, stay: boolean): void;
  renameModel(name: string, newName: string): void;
}

const ROW_LINE = 24;
let trees = 0;

/** The section of the sidebar with the registered models. */
export class ModelsView {
  readonly element: HTMLElement;
  readonly tree = h('div', { class: 'nbt-modeltree', role: 'tree', tabindex: 0, 'aria-label': 'Registered models' });
  private readonly prefix = `nbt-models-${++trees}`;
  private readonly count = h('span', { class: 'nbt-row-count' });
  private readonly head: HTMLButtonElement;
  private readonly note = h('div', { class: 'nbt-models-note', role: 'status' });
  private renaming = false;
  private drawn = '';

  constructor(
    private readonly model: ModelsModel,
    private readonly handlers: ModelHandlers
  ) {
    const body = h('div', { class: 'nbt-models-body', id: `${this.prefix}-body` }, this.tree, this.note);
    const caret = h('span', { class: 'nbt-caret', 'aria-hidden': 'true' });
    this.head = h('button', { type: 'button', class: 'nbt-models-head', 'aria-controls': body.id }, caret, 'Models', this.count);
    this.element = h('section', { class: 'nbt-models', 'aria-label': 'Models' }, this.head, body);
    this.head.addEventListener('click', () => model.setOpen(!model.open));
    this.tree.addEventListener('keydown', event => this.onKey(event));
    this.tree.addEventListener('click', event => this.onClick(event));
    this.tree.addEventListener('dblclick', event => this.onDoubleClick(event));
    this.tree.addEventListener('contextmenu', event => this.onContextMenu(event), true);
    this.tree.addEventListener('focus', () => this.onFocus());
    model.changed.connect(this.update, this);
    this.update();
  }

  dispose(): void {
    this.model.changed.disconnect(this.update, this);
  }

  /** Change the name of a model in its row. */
  rename(row: ModelRow): void {
    const line = this.elementOf(row.key)?.querySelector('.nbt-row-name');
    if (!line) return;
    const { name } = row.model;
    this.renaming = true;
    const input = h('input', { class: 'nbt-rename', type: 'text', value: name, 'aria-label': `New name of ${name}` });
    const end = (commit: boolean): void => {
      if (!this.renaming) return;
      this.renaming = false;
      const kept = document.activeElement === input;
      this.drawn = '';
      this.update();
      if (kept) this.tree.focus();
      const wanted = input.value.trim();
      if (commit && wanted && wanted !== name) this.handlers.renameModel(name, wanted);
    };
    input.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === 'Enter') end(true);
      if (event.key === 'Escape') end(false);
    });
    for (const type of ['click', 'dblclick'] as const) input.addEventListener(type, e => e.stopPropagation());
    input.addEventListener('blur', () => end(true));
    line.replaceWith(input);
    input.focus();
    input.select();
  }

  private update(): void {
    const { open, tree, known, problem } = this.model;
    this.head.setAttribute('aria-expanded', String(open));
    this.element.toggleAttribute('data-open', open);
    this.count.textContent = known && open ? formatNumber(tree.total) : '';
    const { rows } = tree;
    this.tree.hidden = rows.length === 0;
    const note = noteOf(this.model);
    this.note.hidden = note === '';
    if (this.note.textContent !== note) this.note.textContent = note;
    this.note.classList.toggle('nbt-side-error', problem !== '');
    afterPress(this.tree, () => this.draw(this.model.tree.rows));
  }

  private draw(rows: ModelTreeRow[]): void {
    if (this.renaming) return;
    const signature = JSON.stringify(rows) + Math.floor(Date.now() / 60_000);
    if (signature !== this.drawn) {
      this.drawn = signature;
      this.tree.replaceChildren(...rows.map(row => this.row(row)));
    }
    for (const element of this.tree.children) {
      const active = (element as HTMLElement).dataset['key'] === this.model.tree.active;
      element.toggleAttribute('data-active', active);
      element.setAttribute('aria-selected', String(active));
    }
    const active = this.elementOf(this.model.tree.active);
    if (active) this.tree.setAttribute('aria-activedescendant', active.id);
    else this.tree.removeAttribute('aria-activedescendant');
  }

  private row(row: ModelTreeRow): HTMLElement {
    const level = row.kind === 'model' ? 1 : 2;
    const element = h('div', {
      id: `${this.prefix}-${row.key}`,
      role: 'treeitem',
      class: `nbt-row nbt-row-${row.kind}`,
      'aria-level': level,
      'aria-posinset': row.place,
      'aria-setsize': row.siblings,
      'aria-label': describe(row),
      'data-key': row.key,
      style: `--nbt-level:${level}`
    });
    if (row.kind === 'model') element.setAttribute('aria-expanded', String(row.expanded));
    element.append(lineOf(row));
    return element;
  }

  private elementOf(key: string | null): HTMLElement | undefined {
    return ([...this.tree.children] as HTMLElement[]).find(element => element.dataset['key'] === key);
  }

  private rowAt(event: Event): ModelTreeRow | undefined {
    const key = (event.target as Element).closest<HTMLElement>('.nbt-row')?.dataset['key'];
    return this.model.tree.rows.find(row => row.key === key);
  }

  private onFocus(): void {
    const { tree } = this.model;
    tree.active ??= tree.rows[0]?.key ?? null;
    this.update();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.target !== this.tree || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      event.preventDefault();
      return this.openMenu();
    }
    const effect = this.model.tree.press(event.key);
    if (effect === null) return;
    event.preventDefault();
    event.stopPropagation();
    const row = this.model.tree.activeRow;
    if (effect === 'open' && row?.kind === 'version') this.handlers.openModel(row.model.name, row.version.version, true);
    this.model.changed.emit(undefined);
    this.elementOf(this.model.tree.active)?.scrollIntoView({ block: 'nearest' });
  }

  private onClick(event: MouseEvent): void {
    const row = this.rowAt(event);
    if (!row) return;
    this.model.tree.active = row.key;
    if (row.kind === 'model') this.model.tree.toggle(row.key);
    else if (event.detail < 2) this.handlers.openModel(row.model.name, row.version.version, false);
    this.model.changed.emit(undefined);
  }

  private onDoubleClick(event: MouseEvent): void {
    const row = this.rowAt(event);
    if (row?.kind === 'version') this.handlers.openModel(row.model.name, row.version.version, true);
  }

  private onContextMenu(event: MouseEvent): void {
    const row = this.rowAt(event);
    if (!row) return;
    this.model.tree.active = row.key;
    this.model.tree.hold();
    this.update();
  }

  /** Open the menu of the active row, as a click with the other button would. */
  private openMenu(): void {
    const element = this.elementOf(this.model.tree.active);
    if (!element) return;
    const { left, top } = element.getBoundingClientRect();
    element.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true, clientX: left + 40, clientY: top + ROW_LINE, button: 2 }));
  }
}

function noteOf({ known, open, problem, tree }: ModelsModel): string {
  if (!open || !known) return '';
  if (problem) return problem;
  if (tree.models.length > 0) return tree.total > tree.models.length ? `and ${tree.total - tree.models.length} more: search for them` : '';
  if (tree.searching) return 'No model matches.';
  return tree.logged > 0
    ? `None is registered yet; ${formatNumber(tree.logged)} ${tree.logged === 1 ? 'model is' : 'models are'} with their runs.`
    : 'None yet. log_model(…, registered_model_name="…") adds one.';
}

function lineOf(row: ModelTreeRow): HTMLElement {
  const line = h('div', { class: 'nbt-line' }, h('span', { class: 'nbt-caret', 'aria-hidden': 'true' }));
  if (row.kind === 'model') {
    const { name, description, total } = row.model;
    line.append(h('span', { class: 'nbt-row-name', title: description ? `${name}\n${plainLine(description)}` : name }, name));
    line.append(h('span', { class: 'nbt-row-count' }, formatNumber(total)));
    return line;
  }
  const { version, aliases, stage, state, metric, created_ms, description } = row.version;
  line.append(h('span', { class: 'nbt-version', title: plainLine(description ?? '') }, `v${version}`));
  const chips = h('span', { class: 'nbt-row-chips' }, ...modelChips(aliases, stage));
  const badge = modelBadge(state);
  if (badge) chips.append(badge);
  line.append(chips);
  if (metric) line.append(h('span', { class: 'nbt-row-metric nbt-row-fact', title: metric.key }, `${metric.key} ${metricText(metric.value)}`));
  line.append(h('span', { class: 'nbt-row-fact' }, ago(created_ms)));
  return line;
}

/** Say in words what a row shows, for screen readers. */
function describe(row: ModelTreeRow): string {
  const { name, total } = row.model;
  if (row.kind === 'model') return `${name}, ${total} ${total === 1 ? 'version' : 'versions'}`;
  const { version, aliases, stage, state, metric } = row.version;
  const parts = [`${name} version ${version}`, ...aliases.map(alias => `alias ${alias}`), stage === 'None' ? '' : stage];
  if (state !== 'READY') parts.push(state === 'PENDING' ? 'being written' : 'failed');
  if (metric) parts.push(`${metric.key} ${metricText(metric.value)}`);
  return parts.filter(Boolean).join(', ');
}
