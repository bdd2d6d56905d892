import { h } from '../dom';
import { Slots } from './slots';

export interface Tab {
  id: string;
  label: string;
  /** Fill the panel, when the tab is shown for the first time and whenever there is news. */
  show(panel: HTMLElement): void;
}

let sets = 0;

/** Tabs as the ARIA practices have them: arrows, Home and End move, what is moved to is shown. */
export class Tabs {
  readonly bar: HTMLElement;
  readonly panels = h('div', { class: 'nbt-tabpanels' });
  private readonly buttons: Slots;
  private readonly pages = new Slots(this.panels);
  private readonly prefix = `nbt-tabs-${++sets}`;
  private tabs: Tab[] = [];
  current = '';

  constructor(
    label: string,
    private readonly onShow: (id: string) => void
  ) {
    this.bar = h('div', { class: 'nbt-tabs', role: 'tablist', 'aria-label': label });
    this.buttons = new Slots(this.bar);
    this.bar.addEventListener('keydown', event => this.onKey(event));
  }

  /** Have these tabs; those that stay keep their panels, and the keyboard. */
  set(tabs: Tab[], first: string): void {
    this.tabs = tabs;
    this.buttons.set(tabs.map(tab => ({ name: tab.id, about: tab.label, draw: () => this.button(tab.id, tab.label) })));
    this.pages.set(tabs.map(tab => ({ name: tab.id, about: null, draw: () => this.panel(tab) })));
    const wanted = this.current || first;
    this.select(tabs.some(tab => tab.id === wanted) ? wanted : (tabs[0]?.id ?? ''));
  }

  select(id: string): void {
    const tab = this.tabs.find(other => other.id === id);
    if (!tab) return;
    const news = id !== this.current;
    this.current = id;
    for (const button of this.bar.querySelectorAll<HTMLElement>('[role=tab]')) {
      const chosen = button.dataset['tab'] === id;
      button.setAttribute('aria-selected', String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
    for (const panel of this.panels.children) (panel as HTMLElement).hidden = panel.id !== this.panelId(id);
    tab.show(this.panels.querySelector<HTMLElement>(`#${this.panelId(id)}`)!);
    if (news) this.onShow(id);
  }

  focus(): void {
    this.bar.querySelector<HTMLElement>('[aria-selected=true]')?.focus();
  }

  private panelId(id: string): string {
    return `${this.prefix}-panel-${id}`;
  }

  private button(tab: string, label: string): HTMLElement {
    const id = `${this.prefix}-tab-${tab}`;
    const about = { role: 'tab', id, 'data-tab': tab, 'aria-controls': this.panelId(tab) };
    const button = h('button', { type: 'button', class: 'nbt-tab', ...about }, label);
    button.addEventListener('click', () => this.select(tab));
    return button;
  }

  private panel(tab: Tab): HTMLElement {
    const labelledby = `${this.prefix}-tab-${tab.id}`;
    return h('div', {
      id: this.panelId(tab.id),
      class: `nbt-tabpanel nbt-tabpanel-${tab.id}`,
      role: 'tabpanel',
      tabindex: 0,
      'aria-labelledby': labelledby
    });
  }

  private onKey(event: KeyboardEvent): void {
    const at = this.tabs.findIndex(tab => tab.id === this.current);
    const count = this.tabs.length;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + count, Home: 0, End: count - 1 }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.select(this.tabs[to % count]!.id);
    this.focus();
  }
}
