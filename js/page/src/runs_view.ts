import { askForName } from '@nbtrack/shared/actions/dialogs';
import { ExperimentActions } from '@nbtrack/shared/actions/experiment_actions';
import { ComparisonView } from '@nbtrack/shared/comparison';
import { h } from '@nbtrack/shared/dom';
import { RunsTable } from '@nbtrack/shared/table';
import type { MenuItem } from '@nbtrack/shared/table_popup';
import { keptOf, NOTHING, type Shown } from './address_state';
import { icon } from './icons';
import { moreButton } from './more_menu';
import { addressOf, type Route } from './routes';
import type { View, ViewContext } from './view';

type RunsRoute = Route & { page: 'runs' };

/** The runs of all experiments or of some: a table, or the table with plots of what is selected in it. */
export class RunsView implements View {
  private readonly content: RunsTable | ComparisonView;
  private readonly compare = h('button', { type: 'button', class: 'nbt-lab-button nbt-main', disabled: true }, 'Compare');
  private readonly host: HTMLElement;

  constructor(
    place: HTMLElement,
    private readonly context: ViewContext,
    private readonly route: RunsRoute
  ) {
    const { experiments, view } = route;
    const title = this.name;
    context.setTitle(title);
    const switches = h('div', { class: 'switch', role: 'group', 'aria-label': 'View' }, this.viewLink('table', 'Table'), this.viewLink('plots', 'Plots'));
    const head = h('header', { class: 'page-head' }, h('h1', {}, title), h('span', { class: 'nbt-push' }), switches);
    if (view === 'table') head.append(this.compare);
    if (experiments.length === 1) head.append(moreButton('More about this experiment', () => this.menu(experiments[0]!)));
    this.title = head.querySelector('h1')!;
    this.host = h('div', { class: view === 'table' ? 'nbt-filled runs-host' : 'runs-host' });
    place.classList.toggle('page-fixed', view === 'table');
    place.append(head, this.host);
    this.shown = route.shown ?? NOTHING;
    this.selected = this.shown.selected;
    this.compare.addEventListener('click', () => context.go({ page: 'compare', runIds: this.selected }));
    this.showCompare(this.selected);
    this.content = view === 'table' ? this.makeTable() : this.makePlots();
  }

  private shown: Shown;
  private selected: string[] = [];
  /** The run whose row takes the keyboard when it is here. */
  private wanted = '';
  private readonly title: HTMLElement;

  refresh(): void {
    this.content.refresh();
    const name = this.name;
    if (name === this.title.textContent) return;
    this.title.textContent = name;
    this.context.setTitle(name);
  }

  dispose(): void {
    this.content.dispose();
  }

  /** Back from a run or a comparison, the keyboard is where it left. */
  focus(): void {
    const { from } = this.context;
    if (from?.page === 'compare' && !this.compare.disabled) this.compare.focus();
    else if (from?.page === 'run') this.wanted = from.runId;
    this.findWanted();
  }

  private findWanted(): void {
    const { content, wanted } = this;
    const free = !this.host.contains(document.activeElement); // the keyboard has gone on
    if (wanted && free && content instanceof RunsTable && content.input.focus(wanted)) this.wanted = '';
  }

  search(): void {
    this.host.querySelector<HTMLInputElement>('.nbt-filter')?.focus();
  }

  private get name(): string {
    const names = this.route.experiments.map(id => this.context.experiment(id)?.name ?? id);
    return names.length > 0 ? names.join(', ') : 'All runs';
  }

  private menu(id: string): MenuItem[] {
    const { stores, storeId, experiment, go } = this.context;
    const found = experiment(id);
    const actions = new ExperimentActions(stores, storeId);
    if (!found) return [];
    const rename = async (): Promise<void> => {
      const name = await askForName(stores.appHost, 'Rename the experiment', 'Name', found.name, []);
      if (name && name !== found.name) await actions.rename(id, name);
    };
    const remove = async (): Promise<void> => {
      if (await actions.act('delete', found)) go({ page: 'runs', experiments: [], view: 'table' });
    };
    return [
      { label: 'Rename …', run: () => void rename() },
      { label: 'Note …', run: () => void actions.editNote(found) },
      { label: 'Delete …', danger: true, run: () => void remove() }
    ];
  }

  private get experimentIds(): string[] | null {
    return this.route.experiments.length > 0 ? this.route.experiments : null;
  }

  private makeTable(): RunsTable {
    const { stores, storeId, go } = this.context;
    return new RunsTable(this.host, {
      backend: stores.backend(storeId),
      experimentIds: this.experimentIds,
      state: this.shown.table,
      selected: this.selected,
      height: 'fill',
      onState: state => this.note({ table: keptOf(state) }),
      onSelected: ids => this.onSelected(ids),
      onRows: () => this.findWanted(),
      address: runId => addressOf({ page: 'run', runId, tab: '' }),
      onOpen: runId => go({ page: 'run', runId, tab: '' })
    });
  }

  private makePlots(): ComparisonView {
    const { stores, storeId, go } = this.context;
    return new ComparisonView(this.host, {
      backend: stores.backend(storeId),
      experimentIds: this.experimentIds,
      filter: this.shown.table.filter,
      selected: this.selected,
      state: this.shown.plots,
      chart: this.shown.chart,
      images: this.shown.images,
      onImages: images => this.note({ images }),
      onFilter: filter => this.note({ table: { ...this.shown.table, filter } }),
      onSelected: selected => this.note({ selected }),
      onState: plots => this.note({ plots }),
      onChart: chart => this.note({ chart }),
      onOpen: runId => go({ page: 'run', runId, tab: '' })
    });
  }

  /** Keep in the address what is shown now, so that a reload and a copied link bring it back. */
  private note(part: Partial<Shown>): void {
    this.shown = { ...this.shown, ...part };
    this.context.keep({ ...this.route, shown: this.shown });
  }

  private onSelected(ids: string[]): void {
    this.selected = ids;
    this.note({ selected: ids });
    this.showCompare(ids);
  }

  private showCompare(ids: readonly string[]): void {
    this.compare.disabled = ids.length < 2;
    this.compare.textContent = ids.length < 2 ? 'Compare' : `Compare ${ids.length} runs`;
    this.compare.title = ids.length < 2 ? 'Select two runs or more' : '';
  }

  private viewLink(view: RunsRoute['view'], label: string): HTMLElement {
    const button = h('button', { type: 'button', 'aria-pressed': String(this.route.view === view) }, icon(view === 'table' ? 'runs' : 'plots'), label);
    button.addEventListener('click', () => this.context.go({ ...this.route, view, shown: this.shown }));
    return button;
  }
}
