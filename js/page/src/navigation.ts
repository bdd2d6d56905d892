import type { Experiment, RegistryTree, StoreInfo } from '@nbtrack/shared/requests';
import { h } from '@nbtrack/shared/dom';
import { formatNumber } from '@nbtrack/shared/format';
import { afterPress } from '@nbtrack/shared/presses';
import type { Problem } from '@nbtrack/shared/problem';
import { icon } from './icons';
import { addressOf, type Route } from './routes';
import { chooseTheme, chosenTheme, THEMES, type ThemeName } from './theme';

/** With more experiments than that there is a field to find one. */
const MANY = 8;
const THEME_WORDS: Record<ThemeName, string> = { auto: 'System', light: 'Light', dark: 'Dark' };

/** The side of the page: where one can go. */
export class Navigation {
  readonly element: HTMLElement;
  private readonly store = h('div', { class: 'nav-store' });
  private readonly problem = h('div', { class: 'nav-problem', role: 'alert', hidden: true });
  private readonly runs = link('#/runs', 'runs', 'All runs');
  private readonly models = link('#/models', 'models', 'Models');
  private readonly list = h('ul', { class: 'nav-list', 'aria-label': 'Experiments' });
  private readonly find = h('input', { type: 'search', class: 'nbt-search nbt-alone nav-find', placeholder: 'Find an experiment', 'aria-label': 'Find an experiment', hidden: true });
  private experiments: Experiment[] = [];
  private route: Route | null = null;
  private drawn = '';
  private readonly rows = new Map<string, HTMLElement>();

  constructor(refresh: () => void) {
    const brand = h('a', { class: 'brand', href: '#/runs' }, h('img', { src: 'assets/icon.svg', alt: '', width: 24, height: 24 }), h('span', {}, 'nbtrack'));
    const again = h('button', { type: 'button', class: 'nbt-icon-button', title: 'Look again', 'aria-label': 'Look again' }, icon('refresh'));
    again.addEventListener('click', refresh);
    const head = h('div', { class: 'nav-head' }, brand, again);
    const main = h('div', { class: 'nav-main' }, this.runs.element, this.models.element);
    this.find.addEventListener('input', () => this.draw());
    this.element = h('nav', { class: 'nav', 'aria-label': 'Main' }, head, this.store, this.problem, main, h('h2', {}, 'Experiments'), this.find, this.list, themeSwitch());
  }

  setStore(store: StoreInfo): void {
    this.store.textContent = store.name;
    this.store.title = store.path;
  }

  setProblem(problem: Problem | null): void {
    this.problem.hidden = problem === null;
    this.problem.textContent = problem ? `${problem.title}. ${problem.advice}` : '';
  }

  setContent(experiments: Experiment[], tree: RegistryTree): void {
    this.experiments = [...experiments].sort((a, b) => (b.last_ms ?? 0) - (a.last_ms ?? 0));
    this.runs.count(experiments.reduce((sum, each) => sum + each.runs, 0));
    this.models.count(tree.total);
    this.find.hidden = experiments.length <= MANY;
    this.draw();
  }

  setRoute(route: Route): void {
    this.route = route;
    const at = (here: boolean) => (here ? 'page' : null);
    mark(this.runs.element, at(route.page === 'runs' && route.experiments.length === 0));
    mark(this.models.element, at(route.page === 'models' || route.page === 'model' || route.page === 'version'));
    this.draw();
  }

  private draw(): void {
    afterPress(this.list, () => this.drawRows());
  }

  private drawRows(): void {
    const words = this.find.value.trim().toLowerCase();
    const chosen = this.route?.page === 'runs' ? this.route.experiments : [];
    const view = this.route?.page === 'runs' ? this.route.view : 'table';
    const shown = this.experiments.filter(each => each.name.toLowerCase().includes(words));
    const now = JSON.stringify([shown, chosen, view]);
    if (now === this.drawn) return;
    this.drawn = now;
    // rows stay the same elements: what is replaced between press and release of the pointer hears no click
    const kept = new Map(this.rows);
    this.rows.clear();
    const items = shown.map(each => {
      const { experiment_id: id } = each;
      const row = kept.get(id) ?? h('a', { class: 'nav-link', 'data-id': id });
      this.rows.set(id, row);
      fill(row, each, addressOf({ page: 'runs', experiments: [id], view }));
      mark(row, chosen.includes(id) ? 'page' : null);
      return row.parentElement ?? h('li', {}, row);
    });
    for (const item of [...this.list.children]) if (!items.includes(item as HTMLElement)) item.remove();
    items.forEach((item, i) => {
      if (this.list.children[i] !== item) this.list.insertBefore(item, this.list.children[i] ?? null);
    });
  }
}

function fill(row: HTMLElement, { name, running, runs }: Experiment, address: string): void {
  if (!row.firstChild) row.append(h('span', { class: 'nav-name' }), h('span', { class: 'nbt-live' }), h('span', { class: 'nav-count' }));
  const [title, live, count] = [...row.children] as [HTMLElement, HTMLElement, HTMLElement];
  row.setAttribute('href', address);
  row.title = name;
  title.textContent = name;
  live.hidden = running === 0;
  live.title = `${running} running`;
  live.textContent = String(running);
  count.textContent = formatNumber(runs);
}

function mark(element: HTMLElement, current: string | null): void {
  if (current) element.setAttribute('aria-current', current);
  else element.removeAttribute('aria-current');
}

function link(href: string, sign: 'runs' | 'models', label: string): { element: HTMLElement; count(n: number): void } {
  const number = h('span', { class: 'nav-count' });
  const element = h('a', { class: 'nav-link', href }, icon(sign), h('span', { class: 'nav-name' }, label), number);
  return { element, count: n => void (number.textContent = n > 0 ? formatNumber(n) : '') };
}

function themeSwitch(): HTMLElement {
  const group = h('div', { class: 'themes', role: 'group', 'aria-label': 'Theme' });
  const show = (): void => {
    for (const button of group.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button.dataset['theme'] === chosenTheme()));
  };
  for (const name of THEMES) {
    const button = h('button', { type: 'button', 'data-theme': name, title: `Theme: ${THEME_WORDS[name]}` }, THEME_WORDS[name]);
    button.addEventListener('click', () => {
      chooseTheme(name);
      show();
    });
    group.append(button);
  }
  show();
  return group;
}
