import { ColumnMenu, type ColumnMenuEvents } from './column_menu';
import { h } from './dom';
import { FilterTyping } from './filter_typing';
import { counted } from './format';
import { afterPress } from './presses';
import { FOLD, type TableState } from './protocol_table';
import type { Action, Column, Stage, TableColumns } from './requests';
import { FAMILIES, heading } from './rows';
import { type MenuItem, openMenu } from './table_popup';

export type ExportFormat = 'csv' | 'markdown' | 'latex';

export interface BarEvents extends ColumnMenuEvents {
  filter(text: string): void;
  unfinished(text: string): Promise<boolean>;
  group(columns: string[]): void;
  stage(stage: Stage): void;
  act(action: Action): void;
  tag(key: string, value: string): void;
  export(format: ExportFormat, how: 'copy' | 'download'): void;
  clear(): void;
  /** Compare what is selected, where that can be. */
  compare?(): void;
}

/** How long after the last letter the search begins. */
const TYPING_MS = 400;
const STAGES: Record<Stage, string> = { active: 'Active runs', archived: 'Archived runs', deleted: 'Deleted runs' };
const FORMATS: Record<ExportFormat, string> = { csv: 'CSV', markdown: 'Markdown', latex: 'LaTeX' };

/** What stands around the rows: above, what is shown; below, how many, and what can be done with the selected. */
export class TableBar {
  readonly head: HTMLElement;
  /** Always as high, so that a selection moves no row away from the pointer. */
  readonly foot: HTMLElement;
  readonly filter = h('input', {
    type: 'search',
    class: 'nbt-filter',
    placeholder: 'Filter: words, or metrics.loss < 0.3 and params.lr = "0.001"',
    'aria-label': 'Filter the runs',
    spellcheck: 'false',
    autocomplete: 'off'
  });
  readonly problem = h('div', { class: 'nbt-error', role: 'alert', hidden: true });
  private readonly count = h('span', { class: 'nbt-count', role: 'status', 'aria-live': 'polite' });
  private readonly menu: ColumnMenu;
  private readonly groupButton = menuOpener('Group');
  private readonly stageButton = menuOpener(STAGES.active);
  private readonly exportButton = menuOpener('Export');
  private readonly actions = h('div', { class: 'nbt-actions', role: 'toolbar', 'aria-label': 'Selected runs', hidden: true });
  private readonly notice = h('div', { class: 'nbt-notice', role: 'status', hidden: true });
  private readonly tools: HTMLElement;
  private readonly typing: FilterTyping;
  private fading: ReturnType<typeof setTimeout> | undefined;
  private columns: readonly Column[] = [];
  private state!: TableState;
  private acting = '';

  constructor(
    private readonly root: HTMLElement,
    private readonly events: BarEvents
  ) {
    this.menu = new ColumnMenu(events);
    this.tools = h('div', { class: 'nbt-tools' }, this.groupButton, this.menu.popup.element, this.stageButton, this.exportButton);
    this.typing = new FilterTyping(this.filter, TYPING_MS, {
      unfinished: text => events.unfinished(text),
      search: text => text !== this.state.filter && events.filter(text),
      typing: () => this.setError('')
    });
    this.head = h('div', { class: 'nbt-tablehead' }, h('div', { class: 'nbt-tablebar' }, h('div', { class: 'nbt-filterbox' }, this.filter, this.typing.hint), this.tools), this.problem);
    this.foot = h('div', { class: 'nbt-tablefoot' }, this.count, this.actions, this.notice);
    this.groupButton.addEventListener('click', () => openMenu(this.root, this.groupButton, 'Group', this.groupItems()));
    this.stageButton.addEventListener('click', () => openMenu(this.root, this.stageButton, 'Which runs', this.stageItems()));
    this.exportButton.addEventListener('click', () => openMenu(this.root, this.exportButton, 'Export', this.exportItems()));
  }

  /** Show only what works without a store: a saved table, or the result of a query. */
  limit(what: { edits: boolean; exports: boolean }): void {
    this.stageButton.hidden = !what.edits;
    this.groupButton.hidden = !what.edits;
    this.exportButton.hidden = !what.exports;
  }

  show(state: TableState, columns: readonly Column[], sets: TableColumns['sets']): void {
    this.state = state;
    this.columns = columns;
    if (document.activeElement !== this.filter) this.filter.value = state.filter;
    this.menu.show(columns, state.columns, state.differing, sets);
    this.stageButton.textContent = STAGES[state.stage];
    const by = state.group.map(name => (name === FOLD ? 'seeds folded' : heading(name).label));
    this.groupButton.textContent = by.length > 0 ? `Group: ${by.join(', ')}` : 'Group';
    this.groupButton.toggleAttribute('data-on', by.length > 0);
    this.stageButton.toggleAttribute('data-on', state.stage !== 'active');
  }

  setStatus(text: string): void {
    this.count.textContent = text;
  }

  setError(message: string): void {
    this.problem.hidden = message === '';
    this.problem.textContent = message;
    this.filter.setAttribute('aria-invalid', String(message !== ''));
  }

  /** Say what was done, with a way back. */
  setNotice(text: string, undo?: () => void): void {
    clearTimeout(this.fading);
    this.notice.hidden = text === '';
    this.notice.replaceChildren(text);
    if (!text) return;
    if (undo) this.notice.append(button('Undo', () => {
      this.setNotice('');
      this.filter.focus();
      undo();
    }));
    this.fading = setTimeout(() => this.setNotice(''), 12000);
  }

  /** Show what can be done with so many selected runs; nothing to those that nobody sees. */
  setSelected(count: number, interrupted: boolean, canEdit: boolean, hidden = false): void {
    const now = [count, interrupted, canEdit, this.state.stage, hidden].join();
    if (now === this.acting) return;
    this.acting = now;
    afterPress(this.actions, () => {
      const focused = this.actions.contains(document.activeElement);
      this.showActions(count, interrupted, canEdit, hidden);
      if (focused) (this.actions.querySelector('button') ?? this.filter).focus();
    });
  }

  private showActions(count: number, interrupted: boolean, canEdit: boolean, hidden: boolean): void {
    const { compare } = this.events;
    const comparing = compare && count > 1 ? [button('Compare', compare)] : [];
    this.actions.hidden = count === 0 || !(canEdit || comparing.length > 0);
    if (this.actions.hidden) return this.actions.replaceChildren();
    const stage = this.state.stage;
    const act = (label: string, action: Action): HTMLElement => button(label, () => this.events.act(action));
    const parts: HTMLElement[] = comparing;
    if (!canEdit) return this.actions.replaceChildren(...parts);
    // what nobody sees may be compared, and is not changed
    if (hidden) return this.actions.replaceChildren(...parts, button('Clear the selection', () => this.events.clear()));
    if (interrupted) parts.push(act('Keep as it is', 'keep'), act('Discard', 'discard'));
    if (stage === 'active') parts.push(act('Archive', 'archive'));
    if (stage === 'archived') parts.push(act('Unarchive', 'unarchive'));
    if (stage === 'deleted') parts.push(act('Restore', 'restore'));
    else parts.push(this.tagButton(), this.deleteButton(count));
    parts.push(button('Clear', () => this.events.clear()));
    this.actions.replaceChildren(...parts);
  }

  dispose(): void {
    this.typing.stop();
    clearTimeout(this.fading);
    this.menu.dispose();
  }

  private tagButton(): HTMLElement {
    const tag = button('Tag…', () => {
      const input = h('input', { type: 'text', placeholder: 'key=value', 'aria-label': 'Tag as key=value', class: 'nbt-taginput' });
      input.addEventListener('keydown', event => {
        const [key = '', ...rest] = input.value.split('=');
        const given = event.key === 'Enter' && key.trim() !== '';
        if (event.key !== 'Escape' && !given) return;
        event.preventDefault();
        input.replaceWith(tag);
        tag.focus();
        if (given) this.events.tag(key.trim(), rest.join('=').trim() || 'true');
      });
      tag.replaceWith(input);
      input.focus();
    });
    return tag;
  }

  /** Asks once more in its own place. */
  private deleteButton(count: number): HTMLElement {
    const ask = button('Delete', () => {
      const sure = button(`Delete ${counted(count, 'run')}`, () => this.events.act('delete'));
      sure.classList.add('nbt-danger');
      const no = button('Keep', () => {
        sure.replaceWith(ask);
        no.remove();
        ask.focus();
      });
      ask.replaceWith(sure, no);
      sure.focus();
    });
    return ask;
  }

  private groupItems(): (MenuItem | '-')[] {
    const { group } = this.state;
    const set = (label: string, columns: string[]): MenuItem => ({
      label,
      checked: columns.join() === group.join(),
      run: () => this.events.group(columns)
    });
    const by = this.columns.filter(
      ({ name, differs, kind }) => differs && kind !== 'curve' && (/^(params|tags)\./.test(name) || ['experiment', 'status', 'user_id'].includes(name))
    );
    by.sort((a, b) => FAMILIES.indexOf(heading(a.name).family as '') - FAMILIES.indexOf(heading(b.name).family as ''));
    return [
      set('No groups', []),
      set('Fold seeds: mean ± sd', [FOLD]),
      '-',
      ...by.slice(0, 40).map(({ name }) => set(`by ${heading(name).label}`, [name])),
      ...(group.length > 0 && group[0] !== FOLD
        ? (['-', ...by.filter(({ name }) => !group.includes(name)).slice(0, 20).map(({ name }) => set(`and by ${heading(name).label}`, [...group, name]))] as const)
        : [])
    ];
  }

  private stageItems(): MenuItem[] {
    return (Object.keys(STAGES) as Stage[]).map(stage => ({
      label: STAGES[stage],
      checked: stage === this.state.stage,
      run: () => this.events.stage(stage)
    }));
  }

  private exportItems(): (MenuItem | '-')[] {
    const formats = Object.keys(FORMATS) as ExportFormat[];
    return [
      ...formats.map(format => ({ label: `Copy as ${FORMATS[format]}`, run: () => this.events.export(format, 'copy') })),
      '-' as const,
      ...formats.map(format => ({ label: `Download ${FORMATS[format]}`, run: () => this.events.export(format, 'download') }))
    ];
  }
}

function menuOpener(label: string): HTMLButtonElement {
  return h('button', { type: 'button', class: 'nbt-button', 'aria-haspopup': 'menu' }, label);
}

function button(label: string, run: () => void): HTMLButtonElement {
  const made = h('button', { type: 'button', class: 'nbt-button' }, label);
  made.addEventListener('click', run);
  return made;
}
