import { h } from '@nbtrack/shared/dom';
import { afterPress } from '@nbtrack/shared/presses';
import { caretDownIcon, clearIcon, deleteIcon, refreshIcon, searchIcon, tableRowsIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import { FilterTyping } from '@nbtrack/shared/filter_typing';
import type { Stage } from '@nbtrack/shared/requests';
import { emptyState, problemBox } from '@nbtrack/shared/empty_states';
import { archiveIcon, compareIcon } from './icons';
import type { SidebarModel } from './sidebar_model';
import type { Row } from './run_tree';
import type { RowAction } from './tree_row';
import type { ModelsModel } from './models_model';
import { type ModelHandlers, ModelsView } from './models_view';
import { TreeView } from './tree_view';

/** How long after the last letter the search begins. */
const TYPING_MS = 250;

const VIEWS: [value: string, label: string, stage: Stage, state: string][] = [
  ['active', 'Active runs', 'active', ''],
  ['RUNNING', 'Running', 'active', 'RUNNING'],
  ['FINISHED', 'Finished', 'active', 'FINISHED'],
  ['FAILED', 'Failed', 'active', 'FAILED'],
  ['INTERRUPTED', 'Interrupted', 'active', 'INTERRUPTED'],
  ['archived', 'Archived', 'archived', ''],
  ['deleted', 'Deleted', 'deleted', '']
];

export interface SidebarHandlers extends ModelHandlers {
  open(runId: string, stay: boolean): void;
  act(action: RowAction, runId: string): void;
  rename(row: Row, name: string): void;
  /** Execute a command of the sidebar. */
  run(command: string, args?: { all: boolean }): void;
  insertFirstRun(): void;
}

/** The content of the sidebar: search, toolbar, tree, and what it says where there is nothing to show. */
export class Sidebar {
  readonly tree: TreeView;
  readonly models: ModelsView;
  private readonly search = h('input', {
    type: 'search',
    class: 'nbt-search',
    placeholder: 'Name or metrics.loss < 1',
    'aria-label': 'Search runs, by name or with the search grammar',
    spellcheck: 'false',
    autocomplete: 'off'
  });
  private readonly clear = iconButton(clearIcon, 'Clear the search', 'nbt-clear');
  private readonly views = h('select', { class: 'nbt-views', 'aria-label': 'Which runs are shown' });
  private readonly stores = h('select', { class: 'nbt-stores', 'aria-label': 'Store' });
  private readonly storeRow = h('div', { class: 'nbt-side-store' });
  private readonly error = h('div', { class: 'nbt-side-error', role: 'alert', id: 'nbt-side-error' });
  private readonly message = h('div', { class: 'nbt-side-message' });
  private readonly chosen = h('div', { class: 'nbt-side-chosen', role: 'status' });
  private readonly chosenBar: HTMLElement;
  private said = '';
  private readonly typing: FilterTyping;

  constructor(
    private readonly root: HTMLElement,
    private readonly model: SidebarModel,
    models: ModelsModel,
    private readonly handlers: SidebarHandlers
  ) {
    this.tree = new TreeView(model, handlers);
    this.models = new ModelsView(models, handlers);
    for (const [value, label] of VIEWS) this.views.append(h('option', { value }, label));
    this.typing = new FilterTyping(this.search, TYPING_MS, {
      unfinished: async filter => (await model.ask('table.unfinished', { filter })).body.unfinished,
      search: filter => model.setSearch({ filter }),
      typing: () => this.showError('')
    });
    const box = h('div', { class: 'nbt-searchbox' }, searchIcon.element({ tag: 'span' }), this.search, this.typing.hint, this.clear);
    const table = iconButton(tableRowsIcon, 'Open the table of all runs', '');
    const refresh = iconButton(refreshIcon, 'Look again', '');
    const viewBox = h('span', { class: 'nbt-select' }, this.views, caretDownIcon.element({ tag: 'span' }));
    const bar = h('div', { class: 'nbt-side-bar', role: 'toolbar', 'aria-label': 'Runs' }, viewBox, h('span', { class: 'nbt-push' }), table, refresh);
    const storeBox = h('span', { class: 'nbt-select' }, this.stores, caretDownIcon.element({ tag: 'span' }));
    this.storeRow.append(storeBox);
    this.chosenBar = this.makeChosenBar();
    root.append(
      h('div', { class: 'nbt-side-head' }, this.storeRow, box, this.error, bar),
      this.message,
      this.tree.element,
      this.chosenBar,
      this.models.element
    );
    this.search.addEventListener('input', () => void (this.clear.hidden = this.search.value === ''));
    this.search.addEventListener('keydown', event => {
      if (event.key === 'ArrowDown') this.tree.element.focus();
      if (event.key === 'Escape') this.setSearch('');
    });
    this.clear.addEventListener('click', () => {
      this.setSearch('');
      this.search.focus();
    });
    this.views.addEventListener('change', () => this.onView());
    this.stores.addEventListener('change', () => model.setStore(this.stores.value));
    refresh.addEventListener('click', () => void model.refresh('all', true));
    table.addEventListener('click', () => handlers.run('nbtrack:open-table', { all: true }));
    model.changed.connect(this.update, this);
    this.show();
  }

  dispose(): void {
    this.typing.stop();
    this.model.changed.disconnect(this.update, this);
    this.tree.dispose();
    this.models.dispose();
  }

  focus(): void {
    (this.tree.element.hidden ? this.search : this.tree.element).focus();
  }

  focusSearch(): void {
    this.search.focus();
    this.search.select();
  }

  private update(): void {
    // a message that comes or goes moves the rows
    afterPress(this.root, () => this.show());
  }

  private show(): void {
    const { model } = this;
    this.showStores();
    this.clear.hidden = this.search.value === '';
    this.showError(model.filterError);
    this.showMessage();
    // what was not read because of an error is not on its way
    const known = model.filterError || model.problem ? model.tree.rows.some(row => row.kind === 'run') : model.tree.rows.length > 0;
    this.tree.element.hidden = !known;
    this.models.element.hidden = !model.storeId || model.problem !== null;
    this.tree.element.classList.toggle('nbt-stale', Boolean(model.filterError));
    const count = model.selection.chosen.size;
    this.chosenBar.hidden = count < 2;
    const words = count < 2 ? '' : `${count} selected`;
    if (this.chosen.textContent !== words) this.chosen.textContent = words;
    this.tree.update();
  }

  /** Say what is wrong with the search. */
  private showError(message: string): void {
    this.error.textContent = message;
    this.error.hidden = message === '';
    this.search.setAttribute('aria-invalid', String(message !== ''));
    if (message) this.search.setAttribute('aria-describedby', this.error.id);
    else this.search.removeAttribute('aria-describedby');
  }

  private showStores(): void {
    const stores = this.model.stores ?? [];
    this.storeRow.hidden = stores.length < 2;
    const options = JSON.stringify(stores.map(({ id, path }) => [id, path]));
    if (this.stores.dataset['options'] !== options) {
      this.stores.dataset['options'] = options;
      this.stores.replaceChildren(...stores.map(store => h('option', { value: store.id, title: store.path }, store.path)));
    }
    this.stores.value = this.model.storeId;
  }

  private showMessage(): void {
    const { model } = this;
    const showState = (what: string, make: () => Node[]): void => {
      if (what === this.said) return;
      this.said = what;
      // what is wrong is an alert by itself
      this.message.setAttribute('role', what.startsWith('no-') ? 'status' : 'none');
      this.message.replaceChildren(...make());
      this.message.hidden = what === '';
    };
    if (model.problem) {
      const problem = model.problem;
      return showState(`problem ${JSON.stringify(problem)}`, () => [problemBox(problem, () => void model.refresh('all', true))]);
    }
    if (model.stores === null) return showState('loading', () => [h('p', { class: 'nbt-side-loading' }, 'Looking for runs …')]);
    if (model.filterError) return showState('', () => []);
    const none = model.stores.length === 0 || model.tree.experiments.every(e => e.runs === 0);
    if (none && !model.tree.onlyMatching) {
      return showState('first', () => [emptyState('first', () => this.handlers.insertFirstRun())]);
    }
    if (model.tree.rows.length === 0) {
      const kind = model.searching ? 'no-match' : model.search.stage === 'deleted' ? 'no-deleted' : 'no-archived';
      const hint = kind === 'no-match' ? model.hint : '';
      return showState(`${kind} ${hint}`, () => [emptyState(kind, () => this.showAll(), hint)]);
    }
    showState('', () => []);
  }

  private makeChosenBar(): HTMLElement {
    const compare = h('button', { type: 'button', class: 'nbt-small' }, compareIcon.element({ tag: 'span' }), 'Compare');
    const archive = iconButton(archiveIcon, 'Archive the selected runs', '');
    const remove = iconButton(deleteIcon, 'Delete the selected runs', '');
    const offer = (button: HTMLElement, command: string): void =>
      button.addEventListener('click', () => {
        this.model.selection.meanChosen();
        this.handlers.run(command);
      });
    offer(compare, 'nbtrack:compare');
    offer(archive, 'nbtrack:archive');
    offer(remove, 'nbtrack:delete');
    const bar = h('div', { class: 'nbt-side-foot' }, this.chosen, compare, archive, remove);
    return bar;
  }

  private setSearch(text: string): void {
    this.search.value = text;
    this.typing.commit();
  }

  private showAll(): void {
    this.search.value = '';
    this.views.value = 'active';
    this.model.setSearch({ filter: '', stage: 'active', state: '' });
    this.search.focus();
  }

  private onView(): void {
    const view = VIEWS.find(([value]) => value === this.views.value);
    if (view) this.model.setSearch({ stage: view[2], state: view[3] });
  }
}

/** A button with an icon of JupyterLab; the label is for its title and for screen readers. */
export function iconButton(icon: LabIcon, label: string, className: string): HTMLButtonElement {
  const button = h('button', { type: 'button', class: `nbt-icon-button ${className}`, title: label, 'aria-label': label });
  button.append(icon.element({ tag: 'span' }));
  return button;
}
