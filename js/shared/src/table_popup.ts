import { h } from './dom';

/**
 * Something that a button opens above everything else in the page: a cell's output would cut it off.
 *
 * Escape and a click elsewhere close it; the button has the focus again.
 */
export class Popup {
  readonly element: HTMLDetailsElement;
  readonly panel: HTMLElement;
  readonly label: HTMLElement;
  private readonly abort = new AbortController();

  constructor(
    label: string,
    private readonly onOpen: (panel: HTMLElement) => void,
    name = ''
  ) {
    const { signal } = this.abort;
    this.label = h('summary', { class: 'nbt-button' }, label);
    this.panel = h('div', { class: `nbt-popup ${name}`, popover: 'manual' });
    this.element = h('details', { class: 'nbt-columns' }, this.label, this.panel);
    this.element.addEventListener('toggle', () => (this.element.open ? this.show() : this.panel.hidePopover?.()), { signal });
    this.element.addEventListener('keydown', event => this.onKey(event), { signal });
    const left = ({ relatedTarget: to }: FocusEvent): boolean => to instanceof Node && !this.element.contains(to);
    this.element.addEventListener('focusout', event => left(event) && (this.element.open = false), { signal });
    closeElsewhere(this.element, () => (this.element.open = false), signal);
    followAnchor(this.panel, this.label, () => (this.element.open = false), signal);
  }

  get open(): boolean {
    return this.element.open;
  }

  close(): void {
    this.element.open = false;
    this.label.focus();
  }

  dispose(): void {
    this.abort.abort();
  }

  private show(): void {
    this.onOpen(this.panel);
    this.panel.showPopover?.();
    place(this.panel, this.label);
    this.panel.querySelector<HTMLElement>('[autofocus], input, button')?.focus();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.open) {
      this.close();
      event.stopPropagation();
      event.preventDefault();
    } else if (this.open) walk(this.panel, event);
  }
}

export interface MenuItem {
  label: string;
  checked?: boolean;
  disabled?: boolean;
  danger?: boolean;
  run(): void;
}

/** Open a menu at an element; arrows walk in it. Resolves when it is closed. */
export function openMenu(root: HTMLElement, at: Element, name: string, items: readonly (MenuItem | '-')[]): () => void {
  const abort = new AbortController();
  const back = document.activeElement as HTMLElement | null;
  const buttons = items.map(item => (item === '-' ? h('hr', {}) : menuButton(item, () => close(true))));
  const panel = h('div', { class: 'nbt-popup nbt-menu', popover: 'manual', role: 'menu', 'aria-label': name }, ...buttons);
  const close = (focus = false): void => {
    abort.abort();
    panel.remove();
    if (focus) back?.focus();
  };
  root.append(panel);
  panel.showPopover?.();
  place(panel, at);
  panel.addEventListener('keydown', event => {
    event.stopPropagation();
    if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault();
      close(true);
    } else walk(panel, event);
  });
  closeElsewhere(panel, () => close(), abort.signal);
  followAnchor(panel, at, () => close(), abort.signal);
  panel.querySelector<HTMLElement>('button:not([disabled])')?.focus();
  return close;
}

export function menuButton(item: MenuItem, done: () => void): HTMLElement {
  const checkable = item.checked !== undefined;
  const button = h(
    'button',
    {
      type: 'button',
      role: checkable ? 'menuitemradio' : 'menuitem',
      'aria-checked': checkable ? String(item.checked) : undefined,
      class: item.danger ? 'nbt-danger' : undefined,
      disabled: item.disabled
    },
    item.label
  );
  button.addEventListener('click', () => {
    done();
    item.run();
  });
  return button;
}

/** Let the arrow keys walk over what can be focused. */
function walk(panel: HTMLElement, event: KeyboardEvent): void {
  const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (way === undefined) return;
  const all = [...panel.querySelectorAll<HTMLElement>('input, button:not([disabled])')].filter(e => e.checkVisibility?.() ?? true);
  const at = all.indexOf(document.activeElement as HTMLElement);
  all[(at + way + all.length) % all.length]?.focus();
  event.preventDefault();
  event.stopPropagation();
}

/** Close at a click elsewhere. */
function closeElsewhere(element: HTMLElement, close: () => void, signal: AbortSignal): void {
  const onDown = (event: Event): void => {
    if (!event.composedPath().includes(element)) close();
  };
  document.addEventListener('pointerdown', onDown, { signal, capture: true, passive: true });
}

/**
 * Keep a popup at what opened it while the page scrolls; close it when that leaves the window.
 *
 * A notebook scrolls by itself, too: when a cell has run, or an output has changed its height.
 */
function followAnchor(panel: HTMLElement, at: Element, close: () => void, signal: AbortSignal): void {
  const onScroll = (event: Event): void => {
    if (!(event.target as Node).contains(at)) return;
    const { top, bottom } = at.getBoundingClientRect();
    if (bottom < 0 || top > innerHeight) close();
    else place(panel, at);
  };
  document.addEventListener('scroll', onScroll, { signal, capture: true, passive: true });
}

function place(panel: HTMLElement, anchor: Element): void {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = panel;
  const below = at.bottom + 4 + offsetHeight <= innerHeight || at.top < offsetHeight;
  panel.style.left = `${Math.max(4, Math.min(at.right - offsetWidth, innerWidth - offsetWidth - 4))}px`;
  panel.style.top = `${Math.max(4, below ? Math.min(at.bottom + 4, innerHeight - offsetHeight - 4) : at.top - offsetHeight - 4)}px`;
}
